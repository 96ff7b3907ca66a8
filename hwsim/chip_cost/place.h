/* What the placement of a population is given, read by the C compiler and by placement.py: one plain declaration a
 * statement, as in hwsim/kernels/tile.h. Everything is int64.
 */

#pragma once

#include <stdint.h>

/* Networks of matrices, and where their pieces go. */
typedef struct {
    int64_t networks, nodes, tile_rows, tile_columns;
    const int64_t *rows, *columns, *groups, *copies, *depths; /* (networks, nodes); rows 0: no matrix */
    const int64_t *first;                                     /* (networks + 1) first piece of each network */
    int64_t *node, *copy, *row0, *row1, *col0, *col1;         /* (pieces) of the layer's whole matrix */
    int64_t *tile, *row, *column;                             /* (pieces) where each lies */
} Placement;

/* Returns 0, or 1 when it ran out of memory; place.c says what it does. */
int hwsim_place(const Placement *p);

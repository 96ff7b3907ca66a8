/* The pieces of every network of a population on tiles that layers share: what layout.place does with one network, in
 * the same order and with the same ties.
 *
 * Layers come by their depth; each is split as hwsim.mapping.map_layer says. The pieces are placed by their size, largest
 * first, as hwsim.packing says: into the free rectangle whose shorter remaining side is shortest, then the longer one,
 * then on the first tile, then in the first place of it. Each tile keeps its maximal free rectangles.
 */

#include "place.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    int64_t row0, row1, col0, col1;
} Rectangle;

typedef struct {
    Rectangle *free;
    int64_t count, room;
    int64_t most_rows, most_columns; /* that no free rectangle exceeds */
    int64_t number;
} TileState;

typedef struct {
    int64_t area, rows, index;
} Order;

typedef struct {
    TileState *tiles; /* those that are not full */
    int64_t count, room;
    int64_t begun; /* full ones with them */
} Tiles;

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t parts_of(int64_t n, int64_t limit) { return (n + limit - 1) / limit; }

/* Where part `i` of `n`, split near-equally in `parts`, begins. */
static int64_t edge(int64_t n, int64_t parts, int64_t i) { return i * (n / parts) + smaller(i, n % parts); }

static int by_size(const void *one, const void *other) {
    const Order *a = one, *b = other;
    if (a->area != b->area) return a->area > b->area ? -1 : 1;
    if (a->rows != b->rows) return a->rows < b->rows ? -1 : 1;
    return a->index < b->index ? -1 : 1;
}

static int holds(Rectangle a, Rectangle b) {
    return a.row0 <= b.row0 && b.row1 <= a.row1 && a.col0 <= b.col0 && b.col1 <= a.col1;
}

static int same(Rectangle a, Rectangle b) { return holds(a, b) && holds(b, a); }

/* Whether a comes before b on one tile. */
static int before(Rectangle a, Rectangle b) {
    if (a.row0 != b.row0) return a.row0 < b.row0;
    if (a.row1 != b.row1) return a.row1 < b.row1;
    if (a.col0 != b.col0) return a.col0 < b.col0;
    return a.col1 < b.col1;
}

/* Write a piece and return the number of the next one. */
static int64_t write_piece(const Placement *p, int64_t at, int64_t node, int64_t copy, Rectangle part) {
    p->node[at] = node;
    p->copy[at] = copy;
    p->row0[at] = part.row0;
    p->row1[at] = part.row1;
    p->col0[at] = part.col0;
    p->col1[at] = part.col1;
    return at + 1;
}

/* Split one layer. */
static int64_t split(const Placement *p, int64_t at, int64_t cell, int64_t node, int64_t copy) {
    const int64_t groups = p->groups[cell];
    const int64_t rows = p->rows[cell] / groups, columns = p->columns[cell] / groups;
    const int64_t together = smaller(p->tile_rows / rows, p->tile_columns / columns);
    if (groups > 1 && together >= 1) {
        const int64_t parts = parts_of(groups, together);
        for (int64_t i = 0; i < parts; i++) {
            const int64_t first = edge(groups, parts, i), last = edge(groups, parts, i + 1);
            const Rectangle part = {first * rows, last * rows, first * columns, last * columns};
            at = write_piece(p, at, node, copy, part);
        }
        return at;
    }
    const int64_t down = parts_of(rows, p->tile_rows), across = parts_of(columns, p->tile_columns);
    for (int64_t group = 0; group < groups; group++)
        for (int64_t i = 0; i < down; i++)
            for (int64_t j = 0; j < across; j++) {
                const Rectangle part = {
                    group * rows + edge(rows, down, i),
                    group * rows + edge(rows, down, i + 1),
                    group * columns + edge(columns, across, j),
                    group * columns + edge(columns, across, j + 1),
                };
                at = write_piece(p, at, node, copy, part);
            }
    return at;
}

/* Write all pieces of a network in the order of their layers; `order` is room for its nodes. */
static void split_all(const Placement *p, int64_t network, int64_t *order) {
    const int64_t row = network * p->nodes;
    int64_t count = 0;
    for (int64_t node = 0; node < p->nodes; node++) {
        if (p->rows[row + node] == 0 || p->copies[row + node] == 0) continue;
        int64_t place = count++;
        for (; place > 0 && p->depths[row + order[place - 1]] > p->depths[row + node]; place--)
            order[place] = order[place - 1];
        order[place] = node;
    }
    int64_t at = p->first[network];
    for (int64_t i = 0; i < count; i++)
        for (int64_t copy = 0; copy < p->copies[row + order[i]]; copy++)
            at = split(p, at, row + order[i], order[i], copy);
}

/* Return a tile with all its places free; NULL when there is no memory. */
static TileState *new_tile(Tiles *tiles, const Placement *p) {
    if (tiles->count == tiles->room) {
        const int64_t room = 2 * tiles->room + 8;
        TileState *grown = realloc(tiles->tiles, (size_t)room * sizeof(TileState));
        if (grown == NULL) return NULL;
        memset(grown + tiles->room, 0, (size_t)(room - tiles->room) * sizeof(TileState));
        tiles->tiles = grown;
        tiles->room = room;
    }
    TileState *tile = &tiles->tiles[tiles->count];
    if (tile->room == 0) {
        tile->free = malloc(8 * sizeof(Rectangle));
        if (tile->free == NULL) return NULL;
        tile->room = 8;
    }
    tiles->count++;
    tile->number = tiles->begun++;
    tile->free[0] = (Rectangle){0, p->tile_rows, 0, p->tile_columns};
    tile->count = 1;
    return tile;
}

/* Take a rectangle of a tile; returns 1 when there is no memory. */
static int take(TileState *tile, Rectangle taken) {
    const int64_t most = 5 * tile->count; /* every free rectangle leaves at most four, and those that stay */
    if (most > tile->room) {
        Rectangle *grown = realloc(tile->free, (size_t)most * sizeof(Rectangle));
        if (grown == NULL) return 1;
        tile->free = grown;
        tile->room = most;
    }
    Rectangle *cut = malloc((size_t)(4 * tile->count + 1) * sizeof(Rectangle));
    if (cut == NULL) return 1;
    int64_t kept = 0, cuts = 0;
    for (int64_t i = 0; i < tile->count; i++) {
        const Rectangle space = tile->free[i];
        if (taken.row1 <= space.row0 || space.row1 <= taken.row0 || taken.col1 <= space.col0 ||
            space.col1 <= taken.col0) {
            tile->free[kept++] = space;
            continue;
        }
        if (space.row0 < taken.row0) cut[cuts++] = (Rectangle){space.row0, taken.row0, space.col0, space.col1};
        if (taken.row1 < space.row1) cut[cuts++] = (Rectangle){taken.row1, space.row1, space.col0, space.col1};
        if (space.col0 < taken.col0) cut[cuts++] = (Rectangle){space.row0, space.row1, space.col0, taken.col0};
        if (taken.col1 < space.col1) cut[cuts++] = (Rectangle){space.row0, space.row1, taken.col1, space.col1};
    }
    for (int64_t i = 0; i < cuts; i++) {
        int held = 0;
        for (int64_t j = 0; j < kept && !held; j++) held = holds(tile->free[j], cut[i]);
        for (int64_t j = 0; j < cuts && !held; j++) held = !same(cut[j], cut[i]) && holds(cut[j], cut[i]);
        if (!held) tile->free[kept++] = cut[i];
    }
    free(cut);
    tile->count = kept;
    tile->most_rows = tile->most_columns = 0;
    for (int64_t i = 0; i < kept; i++) {
        tile->most_rows = larger(tile->most_rows, tile->free[i].row1 - tile->free[i].row0);
        tile->most_columns = larger(tile->most_columns, tile->free[i].col1 - tile->free[i].col0);
    }
    return 0;
}

/* Whether a space of one tile comes before one of another where both leave as much. */
static int first_of(const TileState *tile, Rectangle space, const TileState *other, Rectangle best) {
    return tile->number != other->number ? tile->number < other->number : before(space, best);
}

/* Place one piece; returns 1 when there is no memory. */
static int put(const Placement *p, int64_t at, Tiles *tiles) {
    const int64_t rows = p->row1[at] - p->row0[at], columns = p->col1[at] - p->col0[at];
    int64_t best_short = INT64_MAX, best_long = INT64_MAX, best_tile = -1;
    Rectangle best = {0, 0, 0, 0};
    for (int64_t t = 0; t < tiles->count; t++) {
        const TileState *tile = &tiles->tiles[t];
        if (tile->most_rows < rows || tile->most_columns < columns) continue;
        for (int64_t i = 0; i < tile->count; i++) {
            const Rectangle space = tile->free[i];
            const int64_t down = space.row1 - space.row0 - rows, across = space.col1 - space.col0 - columns;
            if (down < 0 || across < 0) continue;
            const int64_t least = smaller(down, across), most = larger(down, across);
            if (least > best_short || (least == best_short && most > best_long)) continue;
            const int tied = least == best_short && most == best_long;
            if (tied && !first_of(tile, space, &tiles->tiles[best_tile], best)) continue;
            best_short = least, best_long = most, best_tile = t, best = space;
        }
    }
    if (best_tile < 0) {
        if (new_tile(tiles, p) == NULL) return 1;
        best_tile = tiles->count - 1;
        best = tiles->tiles[best_tile].free[0];
    }
    TileState *tile = &tiles->tiles[best_tile];
    p->tile[at] = tile->number;
    p->row[at] = best.row0;
    p->column[at] = best.col0;
    const Rectangle taken = {best.row0, best.row0 + rows, best.col0, best.col0 + columns};
    if (take(tile, taken)) return 1;
    if (tile->count == 0) { /* full: its room goes to the next tile */
        const TileState full = *tile;
        *tile = tiles->tiles[--tiles->count];
        tiles->tiles[tiles->count] = full;
    }
    return 0;
}

int hwsim_place(const Placement *p) {
    int64_t most = 1;
    for (int64_t network = 0; network < p->networks; network++)
        most = larger(most, p->first[network + 1] - p->first[network]);
    int64_t *order = malloc((size_t)(p->nodes + 1) * sizeof(int64_t));
    Order *sizes = malloc((size_t)most * sizeof(Order));
    Tiles tiles = {NULL, 0, 0, 0};
    int failed = order == NULL || sizes == NULL;
    for (int64_t network = 0; network < p->networks && !failed; network++) {
        split_all(p, network, order);
        const int64_t first = p->first[network], count = p->first[network + 1] - first;
        for (int64_t i = 0; i < count; i++) {
            const int64_t rows = p->row1[first + i] - p->row0[first + i];
            sizes[i] = (Order){rows * (p->col1[first + i] - p->col0[first + i]), rows, i};
        }
        qsort(sizes, (size_t)count, sizeof(Order), by_size);
        tiles.count = tiles.begun = 0;
        for (int64_t i = 0; i < count && !failed; i++) failed = put(p, first + sizes[i].index, &tiles);
    }
    for (int64_t t = 0; t < tiles.room; t++) free(tiles.tiles[t].free);
    free(tiles.tiles);
    free(sizes);
    free(order);
    return failed;
}

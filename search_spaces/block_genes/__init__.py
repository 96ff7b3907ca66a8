"""Genotypes of a head and up to so many blocks: what spaces of such genotypes have in common."""

from search_spaces.block_genes.layout import BlockGenes

__all__ = ["BlockGenes"]

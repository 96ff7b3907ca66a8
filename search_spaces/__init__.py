"""Search spaces of networks for analog hardware."""

from search_spaces.space import Countable, Genotype, Population, Readable, Recombining, SearchSpace, genotypes

__all__ = ["Countable", "Genotype", "Population", "Readable", "Recombining", "SearchSpace", "genotypes"]

"""What every specification of an observer offers."""

from __future__ import annotations

from abc import abstractmethod

from analognas.specs.base import Spec


class ObserverSpec(Spec):
    """The options of an observer that is chosen by its name."""

    kind: str

    @abstractmethod
    def build(self) -> object:
        """Return the observer: any object with some of the methods of `Observer`.

        Raises:
            UserError: when a package is missing or an option does not fit.
        """

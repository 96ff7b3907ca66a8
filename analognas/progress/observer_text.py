"""An observer as a text: `csv`, or with options `csv(path=all.csv)`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import yaml

from analognas.specs.outside_brackets import split_outside_brackets

_NAME_AND_OPTIONS: Final = re.compile(r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\((.*)\))?\s*", re.DOTALL)
_OPTION: Final = re.compile(r"\s*([A-Za-z_]\w*)\s*=(.*)", re.DOTALL)


@dataclass(frozen=True)
class ObserverText:
    """A name with options.

    Attributes:
        name: of the observer.
        options: what stands behind each `=`.
    """

    name: str
    options: dict[str, str]

    def typed(self) -> dict[str, Any]:
        """Return the options as YAML reads them: numbers, true and false, texts, lists.

        Raises:
            ValueError: when one of them is not YAML.
        """
        return {key: _yaml(key, text, yaml.SafeLoader) for key, text in self.options.items()}

    def texts(self) -> dict[str, Any]:
        """Return the options with every value a text, for those who know its type.

        Raises:
            ValueError: when one of them is not YAML.
        """
        return {key: _yaml(key, text, yaml.BaseLoader) if text else "" for key, text in self.options.items()}


def parse_observer(text: str) -> ObserverText:
    """Read a text such as `csv(path=all.csv)`.

    Raises:
        ValueError: when it is another one.

    >>> parse_observer("wandb(project=kws, mode=offline)")
    ObserverText(name='wandb', options={'project': 'kws', 'mode': 'offline'})
    """
    match = _NAME_AND_OPTIONS.fullmatch(text)
    if match is None:
        raise ValueError(f"must read `NAME` or `NAME(option=value, …)`, got {text!r:.80}")
    options: dict[str, str] = {}
    for part in split_outside_brackets(match[2]) if (match[2] or "").strip() else ():
        option = _OPTION.fullmatch(part)
        if option is None:
            raise ValueError(f"an option must read `option=value`, got {part.strip()!r:.80}")
        if option[1] in options:
            raise ValueError(f"the option `{option[1]}` is there twice")
        options[option[1]] = option[2].strip()
    return ObserverText(match[1], options)


def _yaml(key: str, text: str, loader: type[yaml.SafeLoader] | type[yaml.BaseLoader]) -> Any:
    try:
        return yaml.load(text, Loader=loader)  # both build plain values alone
    except yaml.YAMLError:
        raise ValueError(
            f"the value of `{key}` cannot be read, got {text!r:.80}; put it into quotes"
        ) from None

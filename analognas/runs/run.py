"""A run as a Python object: its trials as a table, its best network, its state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analognas.config.from_python import given_objects
from analognas.config.loader import load_run_config
from analognas.config.sections import SearchConfig
from analognas.errors import NoBestNetworkError, UserError
from analognas.metrics import short_headline
from analognas.progress.observer import Observer, Silent
from analognas.record.directory import RunDirectory, open_run
from analognas.record.trial import Trial
from analognas.record.validation import FinalResult
from analognas.report.tables import trials_table
from analognas.runs.best_so_far import called
from analognas.runs.found_network import BestNetwork
from analognas.runs.status import status_of

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

    import hwsim
    from analognas.record.layer_sensitivity import LayerSensitivity
    from analognas.report import ReportData
    from analognas.runs.validate import Validation
    from search_spaces import ArchitectureSpace
    from surrogates import FittedSurrogate


@dataclass(frozen=True)
class Run:
    """One search and its directory."""

    directory: RunDirectory

    @classmethod
    def open(cls, path: str | Path, **objects: Any) -> Run:
        """Open an existing run directory.

        Args:
            path: of the directory.
            objects: `task`, `space`, `strategy` and `surrogate` of a run that began with Python objects, where what is
                asked of the run needs them.

        Raises:
            UserError: when there is none, or it began with other objects.
        """
        return cls(open_run(Path(path), given_objects(objects)))

    def __repr__(self) -> str:
        """Return what `print` shows: the directory, how far it is, what it found."""
        try:
            status = self.status()
        except UserError:
            return f"Run({str(self.path)!r}, damaged)"
        best = status["best"]
        found = (
            "no trial has completed yet"
            if best is None
            else f"{status['choice']}: {called(best)}, "
            f"{short_headline(best['metrics'])} after 1 day on validation"
        )
        return f"Run({str(self.path)!r}, {status['state']}, {status['finished']} of {status['trials']} trials, {found})"

    @property
    def path(self) -> Path:
        """The run directory."""
        return self.directory.path

    @property
    def config(self) -> SearchConfig:
        """The configuration, every default written out."""
        return load_run_config(self.directory)[0]

    @property
    def result(self) -> FinalResult | None:
        """What was measured at the end; None before."""
        return self.directory.final_result()

    @property
    def best(self) -> BestNetwork:
        """The best network.

        Raises:
            NoBestNetworkError: when the run has not ended yet.
        """
        result = self.result
        if result is None:
            remedy = (
                f"continue it with `analognas resume {self.path}`"
                if self.config.final.train
                else "it trains none (`final: none`): `run.network(trial=N)` trains the network of a trial"
            )
            raise NoBestNetworkError(f"{self.path}: there is no best network yet; {remedy}")
        trial = self.directory.trial_of(result)
        return BestNetwork(
            architecture=result.network.architecture,
            genotype=None if trial is None else trial.genotype,
            metrics=result.network.metrics,
            validated=result.network,
            folder=self.directory.best,
            objects=self.directory.objects,
        )

    def network(self, trial: int | None = None) -> nn.Module:
        """Return the trained best network, or that of a trial, plain torch: standardised inputs to logits.

        Args:
            trial: number of a completed trial; its candidate is trained at full budget the first time.

        Raises:
            NoBestNetworkError: when the run has not ended, and no trial is named.
            UserError: when there is no such trial, or its training fails.
        """
        from analognas.runs.architecture_file import load_network

        return (
            self.best.network()
            if trial is None
            else load_network(self._folder_of(trial), self.directory.objects)
        )

    def _folder_of(self, trial: int) -> Path:
        from analognas.runs.any_trial import folder_of_trial

        return folder_of_trial(self.directory, trial, Silent())

    def chips(
        self,
        n: int = 25,
        *,
        trial: int | None = None,
        seed: int | None = None,
        hardware: hwsim.Hardware | str | None = None,
    ) -> hwsim.Chips:
        """Return programmed chips of the best network, or of that of a trial, as `validate` programs them.

        Args:
            n: how many.
            trial: whose network, as for `network`; None: the best one.
            seed: of the chips; None: the run's own, with which chip k is the k-th chip of its figures.
            hardware: a chip, the name of a preset or a YAML file; None: the run's own.

        Raises:
            UserError: when the run has not ended, or a value does not fit.
        """
        from analognas.runs.chips import chips_of

        folder = self.best.folder if trial is None else self._folder_of(trial)
        return chips_of(folder, n, seed, hardware, self.directory.objects)

    def validate(
        self,
        hardware: hwsim.Hardware | str | None = None,
        *,
        trial: int | None = None,
        times_s: Sequence[float | str] | None = None,
        chips: int | None = None,
        confidence: float | None = None,
        adabs: bool = False,
        device: str = "cpu",
    ) -> Validation:
        """Program the best network on chips again and measure it on the test split.

        Args:
            hardware: a chip or the name of a preset; None: the run's own.
            trial: whose network, as for `network`; None: the best one.
            times_s: seconds since programming, or texts such as `1 day`, at least one; None: 1 s, 1 h, 1 day, 1 month
                and 1 year.
            chips: how many, 2 or more; None: as many as the run did.
            confidence: stop once every mean is known within plus or minus this, in points; None for all chips.
            adabs: measure batch-norm statistics again on every chip at every time.
            device: where this runs: cpu, cuda, cuda:N, or auto for a GPU where torch sees one.

        Raises:
            UserError: when the run has not ended, or a value does not fit.
        """
        from analognas.runs.validate import validate

        (validation,) = validate(
            self.directory,
            () if hardware is None else hardware,
            trial=trial,
            times_s=times_s,
            chips=chips,
            confidence=confidence,
            adabs=adabs,
            device=device,
            observer=Silent(),
        )
        return validation

    def export(
        self,
        out: str | Path,
        formats: Sequence[str] | None = None,
        *,
        trial: int | None = None,
        chips: int = 1,
        chip_seed: int | None = None,
        tile: str = "",
        chip: hwsim.Chip | str | None = None,
        force: bool = False,
        observer: Observer | None = None,
    ) -> list[Path]:
        """Write the best network, or that of a trial, load each file again and compare it, and return the files.

        Args:
            out: the folder.
            formats: `analognas export DIR --format help` lists them; None: those that are written by default.
            trial: whose network, as for `network`; None: the best one.
            chips: how many chips `conductances` writes.
            chip_seed: of the chips; None: the run's own, with which chip k is the k-th chip of its figures.
            tile: the tile of `spice`, `LAYER` or `LAYER:NUMBER`; empty for the smallest one.
            chip: a described chip that must hold the network, its name or a YAML file; None: that of the run, if any.
            force: replace files that are there.
            observer: hears of a training, and what each format keeps and loses; None: nobody is.

        Raises:
            UserError: for an unknown format, one whose package is not installed, a file that is there already, or a run
                that has not ended.
        """
        from analognas.runs.export import export

        return export(
            self.directory,
            out,
            formats,
            trial=trial,
            chips=chips,
            chip_seed=chip_seed,
            tile=tile,
            chip=chip,
            force=force,
            observer=observer or Silent(),
        )

    def export_study(self, out: str | Path | None = None) -> Path:
        """Write every trial for Optuna, `study.db`, into the run directory or the folder `out`, and return the file.

        Raises:
            UserError: when no trial has finished, or the study cannot be written.
        """
        from analognas.record.study import write_study

        path, config, trials = Path(out or self.path) / "study.db", self.config, self.directory.trials()
        if not trials:
            raise UserError(
                f"{self.path}: no trial has finished that a study could hold; continue the run with "
                f"`analognas resume {self.path}`"
            )
        objectives = {objective.metric: objective.sign for objective in config.objectives}
        write_study(path, config.name, trials, objectives, config.constraints.upper_bounds())
        return path

    def report(self, observer: Observer | None = None) -> Path:
        """Write tables and report again, finished or not, and return the report.

        Args:
            observer: is told what of the run is missing or damaged, as the report says it; None: nobody is.

        Raises:
            UserError: when a file cannot be written, or the record lacks the trial of the final result.
        """
        from analognas.runs.tables_and_report import publish

        for sentence in publish(self.directory, self.config, self.directory.trials(), self.result):
            (observer or Silent()).stage(sentence)
        return self.directory.report

    def figures(self, formats: Sequence[str] = ("svg",), out: str | Path | None = None) -> list[Path]:
        """Write every figure of the report into `figures/` of the run, or the folder `out`, and return the files.

        Args:
            formats: of `svg`, `png` and `pdf`; the last two need matplotlib.
            out: the folder.

        Raises:
            UserError: for another format, without matplotlib, or when a file cannot be written.
        """
        from analognas.runs.figures import write_figures_of

        return write_figures_of(self._report_data(), Path(out or self.path / "figures"), formats)

    def sensitivity(self, observer: Observer | None = None) -> LayerSensitivity:
        """Measure what each layer of the best network costs in accuracy, 10 chips a day after programming.

        The result is kept in `sensitivity.json`, and the next report shows it.

        Args:
            observer: hears what takes a while; None: nobody is.

        Raises:
            UserError: when the run has not ended, or its files or data are missing or damaged.
        """
        from analognas.runs.sensitivity import measure_sensitivity

        return measure_sensitivity(self.directory, observer or Silent())

    def trials(self, *, genes: bool = False) -> pd.DataFrame:
        """Return one row a trial in order of completion, the columns of summary.csv.

        Args:
            genes: with a column for each symbol of the architectures, such as `OC0` and `blocks.0.WF`.
        """
        from analognas.report.tables import architecture_table

        trials = self.directory.trials()
        table = trials_table(trials, self.config.constraints.upper_bounds())
        return table.join(architecture_table(trials)) if genes else table

    def accuracies(self) -> pd.DataFrame:
        """Return the accuracy of every chip at every time: columns `number`, `time_s`, `chip`, `accuracy`."""
        from analognas.report.tables import accuracy_table

        return accuracy_table(self.directory.trials())

    def pareto(self) -> pd.DataFrame:
        """Return the trials that no other beats in all objectives, or in the only one and the parameters."""
        from analognas.report.tables import pareto_table

        data = self._report_data()
        return pareto_table(data.trials, data.upper_bounds, data.front_objectives)

    def plot(self, figure: str = "search") -> Any:
        """Return a figure of the report, a plotly `Figure`.

        Args:
            figure: `search` (course of the search), `drift` (accuracy over time) or `size` (accuracy over parameters).

        Raises:
            UserError: for another name, or when no trial has completed.
        """
        from analognas.report.figures import FIGURES

        if not isinstance(figure, str) or figure not in FIGURES:
            raise UserError(f"`figure` must be one of {', '.join(FIGURES)}, got {figure!r}")
        data = self._report_data()
        if not data.completed:
            raise UserError(f"{self.path}: no trial has completed, so there is nothing to draw")
        return FIGURES[figure](data)

    def _report_data(self) -> ReportData:
        from analognas.runs.tables_and_report import report_data

        return report_data(self.directory, self.config, self.directory.trials(), self.result)

    @property
    def space(self) -> ArchitectureSpace:
        """The space that was searched, made for the data of the run.

        Raises:
            UserError: when the data cannot be loaded.
        """
        from analognas.compose import load_task_and_space

        return load_task_and_space(self.config)[1]

    @property
    def surrogate(self) -> FittedSurrogate:
        """The surrogate fitted on all trials; it predicts from `run.space.encode(population)`.

        Raises:
            UserError: when the run has not ended, its strategy has no surrogate, or the files are damaged.
        """
        from analognas.final.surrogate import FEWEST_FOR_TAU
        from surrogates import load_surrogate

        if not self.directory.surrogate.exists():
            raise UserError(
                f"{self.path}: has no surrogate; a run that has ended has one where its strategy searches on one and "
                f"{FEWEST_FOR_TAU} trials or more have completed"
            )
        try:
            return load_surrogate(self.directory.surrogate)
        except (OSError, ValueError) as error:
            raise UserError(f"{self.directory.surrogate}: {error}; resume fits it again") from None

    def status(self, trials: Sequence[Trial] | None = None) -> dict[str, Any]:
        """Return how far the run is, JSON-able.

        Args:
            trials: those of the record, where they have been read already.

        Raises:
            UserError: when a file of the run is damaged.
        """
        return status_of(self.directory, self.config, trials)

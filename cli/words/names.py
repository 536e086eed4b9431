# SPDX-License-Identifier: Apache-2.0
"""The names that a shell completes: backends, targets, models, lenses, files; nothing heavy is imported, nothing is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args, get_type_hints

from stinespring.cli.words.verbs import VERBS

__all__ = ["backend_names", "decoder_names", "lens_names", "lens_words", "model_names", "target_names", "words_of"]

METHODS = ("statevector", "matrix_product_state", "density_matrix", "stabilizer", "extended_stabilizer")


def model_names(incomplete: str) -> list[str]:
    """Return language models by name, and model files."""
    return [*decoder_names(incomplete), *files(incomplete, (".json", ".npz"))]


def decoder_names(incomplete: str) -> list[str]:
    """Return language models by name."""
    from stinespring.models.decoders.names import NAMES, offered

    written = [written for written, _ in NAMES.values()]
    named = [name for text in written for name in alternatives(text)]
    kind, _, rest = incomplete.partition(":")
    local = [f"{kind}:{file}" for file in files(rest, (".gguf",))] if kind in ("hf", "gguf") else []
    return [*starting([*named, *offered()], incomplete), *local]


def lens_words(incomplete: str) -> list[str]:
    """Return what may follow ``lens``: the second words of its verbs, and language models by name."""
    return [
        *starting([verb.removeprefix("lens ") for verb in VERBS if verb.startswith("lens ")], incomplete),
        *decoder_names(incomplete),
    ]


def lens_names(incomplete: str) -> list[str]:
    """Return lenses: the logit lens, and files of tuned ones."""
    tuned = [f"tuned:{file}" for file in files(incomplete.removeprefix("tuned:"), (".safetensors",))]
    return starting(["logit", "tuned:", *(tuned if incomplete.startswith("tuned:") else [])], incomplete)


def backend_names(incomplete: str) -> list[str]:
    """Return backends by name: every kind, Aer's methods, simulated devices, and entry points of other packages."""
    from stinespring.backends.registry import offered

    devices = snapshots()
    aer = ["aer", *(f"aer?method={method}" for method in METHODS), *(f"aer?noise={name}" for name in devices)]
    rest = ["ibm:least-busy", "dask:local?workers=2", "braket:local", *offered()]
    return starting([*aer, *(f"fake:{name}" for name in devices), *rest], incomplete)


def target_names(incomplete: str) -> list[str]:
    """Return targets by name."""
    return starting(["aer", "line:", "grid:", "heavy-hex:", *(f"fake:{name}" for name in snapshots())], incomplete)


def words_of(argument: str) -> Callable[[str], list[str]]:
    """Return what completes an option that may be one of a few words: those of Python's argument of that name."""

    def completed(incomplete: str) -> list[str]:
        return starting(literals(kinds()[argument]), incomplete)

    return completed


@cache
def kinds() -> dict[str, Any]:
    """Return what every argument may be, by its name."""
    from stinespring.checks.statistics.family import Scope
    from stinespring.checks.within import Within
    from stinespring.circuits.qasm.dialects import Dialect
    from stinespring.pipeline.blocks import Mode
    from stinespring.pipeline.python.arguments import SourceArguments
    from stinespring.pipeline.readout.mitigation import Mitigation

    rest = {"scope": Scope, "within": Within, "dialect": Dialect, "verify": Mode, "mitigation": Mitigation}
    return {**get_type_hints(SourceArguments), **rest}


def literals(kind: Any) -> list[str]:
    """Return the words in a type, also of a union.

    Example:
        >>> from typing import Literal
        >>> literals(float | Literal["auto", "none"] | None)
        ['auto', 'none']
    """
    return [word for inner in get_args(kind) for word in ([inner] if isinstance(inner, str) else literals(inner))]


def snapshots() -> list[str]:
    """Return the names of device snapshots from the names of their files: reading them takes a second."""
    package = find_spec("qiskit_ibm_runtime")
    folders = [] if package is None else list(package.submodule_search_locations or ())
    found = [file.stem for folder in folders for file in Path(folder).glob("fake_provider/backends/*/conf_*.json")]
    return sorted(name.removeprefix("conf_") for name in found)


def alternatives(written: str) -> Iterator[str]:
    """Yield what a name can be: ``glassllm:en|pt`` is two, ``hf:FOLDER`` the beginning of many."""
    kind, colon, rest = written.partition(":")
    for word in rest.split("|"):
        yield kind + colon + ("" if word.isupper() else word)


def starting(names: Sequence[str], incomplete: str) -> list[str]:
    """Return the names that begin like that."""
    return [name for name in names if name.startswith(incomplete)]


def files(incomplete: str, endings: Sequence[str]) -> list[str]:
    """Return folders, with a slash, and files with one of these endings, whose paths begin like that."""
    folder, _, name = incomplete.rpartition("/")
    place = Path((folder or "/") if "/" in incomplete else ".").expanduser()
    try:
        found = sorted(place.iterdir())
    except OSError:
        return []
    begun = f"{folder}/" if "/" in incomplete else ""
    shown = [path for path in found if path.name.startswith(name) and (name.startswith(".") or not path.name.startswith("."))]
    return [f"{begun}{path.name}/" if path.is_dir() else f"{begun}{path.name}" for path in shown
            if path.is_dir() or path.suffix in endings]  # fmt: skip

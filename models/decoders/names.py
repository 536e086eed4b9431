# SPDX-License-Identifier: Apache-2.0
"""Models by name: what a user may write where a language model is asked for, besides a file."""

from __future__ import annotations

import contextlib
import hashlib
import sys
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib.util import module_from_spec, spec_from_file_location
from inspect import getattr_static
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stinespring.errors import InputError
from stinespring.models.decoders.decoder import Decoder
from stinespring.models.decoders.guarded import Guarded, said
from stinespring.models.own.guard import require_described
from stinespring.models.own.named import NamedModel
from stinespring.models.texts.base import TextModel

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = [
    "EXPECTED",
    "GROUP",
    "NAMES",
    "is_decoder",
    "is_named",
    "load_decoder",
    "load_named",
    "offered",
    "own_model",
    "require_spelt",
]

GROUP = "stinespring.models"  # entry points: a name, and a Decoder, a TextModel or a function that returns one


def _glass(name: str, rest: str) -> Decoder:
    from stinespring.models.decoders.glass import GlassDecoder

    return GlassDecoder(rest)


def _math(name: str, rest: str) -> Decoder:
    from stinespring.models.decoders.mathformer import MathDecoder

    return MathDecoder(rest)


def _smollm2(name: str, rest: str) -> Decoder:
    from stinespring.models.decoders.local.loading import smollm2

    return smollm2()


def _folder(name: str, rest: str) -> Decoder:
    from stinespring.models.decoders.local.loading import folder_decoder

    return folder_decoder(name, Path(rest).expanduser())


def _gguf(name: str, rest: str) -> Decoder:
    from stinespring.models.decoders.local.loading import gguf_decoder

    return gguf_decoder(name, Path(rest).expanduser())


# what a name begins with, or the whole of it -> how it is written in full, and what loads it
NAMES: Mapping[str, tuple[str, Callable[[str, str], Decoder]]] = {
    "glassllm:": ("glassllm:en|pt", _glass),
    "mathformer:": ("mathformer:add|sub|mul|div", _math),
    "smollm2": ("smollm2", _smollm2),
    "hf:": ("hf:FOLDER", _folder),
    "gguf:": ("gguf:FILE", _gguf),
}
OWN = "module.py:attribute"
EXPECTED = ", ".join([*(written for written, _ in NAMES.values()), OWN])
MISSING = object()
METHODS = (
    "name",
    "tokens",
    "longest",
    "end",
    "rounding",
    "encode",
    "plain",
    "law",
    "begin",
    "proceed",
    "content",
    "fingerprint",
)


def offered() -> dict[str, EntryPoint]:
    """Return the models that other packages bring, by name; none of them is loaded."""
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=GROUP)}


def is_named(source: str | Path) -> bool:
    """Return whether a name stands for a model that is in no file of stinespring's own formats.

    Example:
        >>> is_named("glassllm:en"), is_named("hf:models/small"), is_named("mine.py:model"), is_named("model.json")
        (True, True, True, False)
    """
    name = str(source)
    return _kind(name) is not None or _own(name) is not None or (not Path(name).suffix and name in offered())


def require_spelt(source: str | Path) -> None:
    """Refuse a word that is no file, and looks like the name of a model: it has a colon, or neither folder nor ending.

    Raises:
        InputError: with the name that comes nearest.
    """
    name = str(source)
    if ":" not in name and (Path(name).suffix or Path(name).name != name):
        return
    try:
        if Path(name).exists():
            return
    except (OSError, ValueError):  # a name that no file can have: whoever reads it says so
        return
    words = [f"{kind}{rest}" for kind, (written, _) in NAMES.items() for rest in written.removeprefix(kind).split("|")]
    near = get_close_matches(name, [*words, *offered()], 1)
    todo = f"write {near[0]}" if near else "check the path"
    raise InputError("model file not found", got=name, expected=f"a file that exists, {EXPECTED}", todo=todo)


def load_named(source: str | Path) -> Decoder | TextModel:
    """Return the model that a user names.

    Code is executed only where the name is that of a Python file or of an installed package's entry point.

    Raises:
        InputError: an unknown name, or whatever is wrong with the model.
    """
    name = str(source)
    kind = _kind(name)
    if kind is not None:
        return NAMES[kind][1](name, name.removeprefix(kind))
    own = _own(name)
    if own is not None:
        return _made(name, _attribute(*own))
    point = offered().get(name)
    if point is None:
        raise InputError("unknown model", got=name, expected=EXPECTED)
    try:
        found = point.load()
    except Exception as error:  # noqa: BLE001 -- whatever another package raises
        raise InputError("a package's model cannot be loaded", got=f"{name}: {type(error).__name__}: {error}",
                         expected=f"the entry point {point.value}") from None  # fmt: skip
    return _made(name, found)


def load_decoder(source: str | Path) -> Decoder:
    """Return the decoder that a user names.

    Raises:
        InputError: as :func:`load_named`; models in files, and text models, have no residual stream.
    """
    name = str(source)
    found = load_named(name) if is_named(name) else None
    if found is None or isinstance(found, TextModel):
        raise InputError(
            "the lens looks into language models",
            got=name,
            expected=EXPECTED,
            todo="in Python any object with the methods of stinespring.models.lens.Decoder will do",
        )
    return found


def _kind(name: str) -> str | None:
    return next((kind for kind in NAMES if name == kind or (kind.endswith(":") and name.startswith(kind))), None)


def _own(name: str) -> tuple[Path, str] | None:
    """Return the file and the attribute of ``module.py:attribute``."""
    file, colon, attribute = name.rpartition(":")
    return (Path(file).expanduser(), attribute) if colon and file.endswith(".py") else None


def _attribute(path: Path, attribute: str) -> Any:
    """Return what a Python file calls by a name, after the file was executed."""
    if not path.is_file():
        raise InputError("there is no such Python file", got=str(path), expected=OWN, todo="check the path")
    if not attribute.isidentifier():
        raise InputError("the name in the Python file is missing", got=f"{path}:{attribute}", expected=OWN)
    called = f"stinespring_own_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}"
    spec = spec_from_file_location(called, path)
    assert spec is not None and spec.loader is not None  # a name that ends with .py has a loader
    module = module_from_spec(spec)
    sys.modules[called] = module  # dataclasses look their module up
    vars(module)["print"] = _told
    try:
        with contextlib.redirect_stdout(sys.stderr):
            spec.loader.exec_module(module)
    except BaseException as error:  # whatever the user's file raises, SystemExit too
        del sys.modules[called]
        if isinstance(error, KeyboardInterrupt):
            raise
        raise InputError("the Python file cannot be executed", got=f"{path}: {said(error)}",
                         expected="a file that defines the model") from None  # fmt: skip
    if not hasattr(module, attribute):
        raise InputError("the Python file does not define the model", got=f"no {attribute!r} in {path}",
                         expected=f"{attribute} = a Decoder, a TextModel, or a function that returns one")  # fmt: skip
    return getattr(module, attribute)


def _told(*values: object, **more: Any) -> None:
    """``print`` of the user's file: stdout is for data (``--json``: one object), so it goes to stderr unless it says where."""
    more["file"] = more.get("file") or sys.stderr
    print(*values, **more)  # noqa: T201


def _made(name: str, found: Any) -> Decoder | TextModel:
    """Return an object as a model; a function or a class is called without arguments."""
    if not isinstance(found, TextModel) and (isinstance(found, type) or not _methods_of(found)):
        if not callable(found):
            raise _no_model(name, found)
        try:
            with contextlib.redirect_stdout(sys.stderr):
                found = found()
        except (InputError, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001 -- whatever the user's function raises, SystemExit too
            raise InputError("the model cannot be made", got=f"{name}: {said(error)}",
                             expected="a function without arguments that returns a model") from None  # fmt: skip
    return own_model(found, name, again=True)


def own_model(found: Any, name: str, *, again: bool = False) -> Decoder | TextModel:
    """Return an object as the model it is, held to what it has to give.

    Args:
        found: a text model or a decoder.
        name: how the user named it.
        again: whether it is loaded again by this name; those of the package are made of their own content.

    Raises:
        InputError: it is neither, or its tokens cannot be used.
    """
    if isinstance(found, TextModel):
        if type(found).__module__.startswith("stinespring."):
            return found
        require_described(found)
        return NamedModel(found, name) if again else found
    if not is_decoder(found):
        raise _no_model(name, found)
    known = not again and type(found).__module__.startswith("stinespring.")
    decoder: Decoder = (
        found if known else Guarded(found, name if again else str(found.name))
    )  # runs that are resumed load it by this name
    return decoder


def is_decoder(found: object) -> bool:
    """Return whether an object has what a decoder has; nothing of it is computed."""
    return isinstance(found, Guarded) or (not isinstance(found, type | TextModel) and _methods_of(found))


def _methods_of(found: object) -> bool:
    """Return whether an object has what a decoder has; nothing of it is computed."""
    return all(getattr_static(found, method, MISSING) is not MISSING for method in METHODS)


def _no_model(name: str, found: Any) -> InputError:
    missing = [method for method in METHODS if not hasattr(found, method)]
    return InputError(
        "the object is no model", got=f"{name}: {type(found).__name__}" + (f" without {', '.join(missing)}" if missing else ""),
        expected="stinespring.models.decoders.decoder.Decoder, or a subclass of stinespring.models.texts.base.TextModel",
        todo="see docs/howto/own-model.md",
    )  # fmt: skip

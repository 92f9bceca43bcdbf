"""From a request to an endpoint's arguments: path, query, body, and what ``deps`` injects.

Bound once per route from the endpoint's signature. A malformed path parameter reads like an absent thing; every flaw
of the query and the body is reported at once.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, get_args, get_origin, get_type_hints
from uuid import UUID

from fastapi.params import Depends
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import Request

from app.errors import Flaw, Invalid, NotFound
from app.web import bodies
from app.web.bodies import Opaque
from app.web.deps import Call, Injected

__all__ = ["Binding"]

PATH_PARAMETER = re.compile(r"{([a-z_]+)}")
# The one spelling of a UUID; letters of either case, as RFC 9562 asks readers to accept.
UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument that comes as text."""

    name: str
    adapter: TypeAdapter[Any]
    is_uuid: bool
    required: bool

    def read(self, text: str) -> Any:
        """The value; ValidationError or ValueError if the text is none."""
        if "\0" in text or (self.is_uuid and not UUID_TEXT.fullmatch(text)):
            raise ValueError
        return self.adapter.validate_strings(text)


class Binding:
    """How one endpoint's arguments are made. TypeError at import for a signature that cannot be bound.

    ``passed_over`` are parameters of the query that are read elsewhere.
    """

    def __init__(self, endpoint: Any, path: str, *, passed_over: frozenset[str] = frozenset()) -> None:
        if inspect.iscoroutinefunction(endpoint):
            raise TypeError("endpoints are plain functions: the work is CPU and blocking calls")
        hints = get_type_hints(endpoint, include_extras=True)
        self.returns: Any = hints.pop("return", None)
        in_path = frozenset(PATH_PARAMETER.findall(path))
        self._passed_over = passed_over
        self.body: type[BaseModel] | None = None
        self.opaque: list[type[Opaque]] = []
        self.body_name = ""
        self.injected: dict[str, Injected] = {}
        self.path: list[Parameter] = []
        self.query: list[Parameter] = []
        for name, parameter in inspect.signature(endpoint).parameters.items():
            self._add(name, hints[name], required=parameter.default is inspect.Parameter.empty, in_path=in_path)
        if {parameter.name for parameter in self.path} != in_path:
            raise TypeError("every parameter of the path is an argument")

    def _add(self, name: str, hint: Any, *, required: bool, in_path: frozenset[str]) -> None:
        injected = _injected(hint)
        if injected is not None:
            self.injected[name] = injected
        elif bodies_of(hint):
            self.body_name = name
            self.opaque = [each for each in bodies_of(hint) if issubclass(each, Opaque)]
            (self.body,) = (each for each in bodies_of(hint) if not issubclass(each, Opaque))
        else:
            parameter = Parameter(name, TypeAdapter(hint), _bare(hint) is UUID, required)
            (self.path if name in in_path else self.query).append(parameter)

    def fits(self, texts: Mapping[str, str]) -> bool:
        """Whether every id in the path is spelled like one."""
        return all(UUID_TEXT.fullmatch(texts[parameter.name]) for parameter in self.path if parameter.is_uuid)

    def study(self, request: Request) -> UUID | None:
        """The study that the path names, None if it names none; NotFound for a malformed one."""
        text = request.path_params.get("study")
        if text is None:
            return None
        if not UUID_TEXT.fullmatch(text):
            raise NotFound
        return UUID(text)

    def arguments(self, call: Call, raw: bytes) -> dict[str, Any]:
        """All arguments.

        Raises:
            NotFound: a path parameter is malformed.
            Invalid: flaws of the query or the body.
            MalformedJson, WrongMediaType: the body is no strict JSON.
        """
        values = self._from_path(call.request.path_params)
        values |= self._from_query(call.request)
        if self.body is not None:
            values[self.body_name] = self._read(self.body, call.request.headers, raw)
        for name, injected in self.injected.items():
            values[name] = injected.give(call)
        return values

    def _read(self, body: type[BaseModel], headers: Mapping[str, str], raw: bytes) -> BaseModel:
        other = bodies.opaque(headers, self.opaque)
        return bodies.parse(body, headers, raw) if other is None else other.model_construct(raw)

    def _from_path(self, texts: Mapping[str, str]) -> dict[str, Any]:
        try:
            return {parameter.name: parameter.read(texts[parameter.name]) for parameter in self.path}
        except ValueError:
            raise NotFound from None

    def _from_query(self, request: Request) -> dict[str, Any]:
        if not self.query and not request.scope["query_string"]:
            return {}
        given = request.query_params
        known = self._passed_over.union(parameter.name for parameter in self.query)
        flaws = [] if given.keys() <= known else [UNKNOWN_PARAMETER]
        values: dict[str, Any] = {}
        for parameter in self.query:
            texts = given.getlist(parameter.name)
            try:
                if len(texts) == 1:
                    values[parameter.name] = parameter.read(texts[0])
                elif texts or parameter.required:
                    flaws.append(Flaw(f"#query/{parameter.name}", "This is expected once."))
            except ValidationError as refused:
                flaws += bodies.flaws_of(refused, f"#query/{parameter.name}")
            except ValueError:
                flaws.append(Flaw(f"#query/{parameter.name}", bodies.ANYTHING_ELSE))
        if flaws:
            raise Invalid(flaws)
        return values


NOT_KNOWN = bodies.TEXTS["extra_forbidden"]
UNKNOWN_PARAMETER = Flaw("#query", NOT_KNOWN)


def bodies_of(hint: Any) -> list[type[BaseModel]]:
    """The kinds of body that an argument may be; none if it is no body."""
    kinds = get_args(hint) if get_origin(hint) is UnionType else (hint,)
    return [each for each in kinds if isinstance(each, type) and issubclass(each, BaseModel)]


def _injected(hint: Any) -> Injected | None:
    for extra in get_args(hint)[1:] if get_origin(hint) is Annotated else ():
        if isinstance(extra, Depends):
            if isinstance(extra.dependency, Injected):
                return extra.dependency
            raise TypeError("endpoints ask for what deps names, nothing else")
    return None


def _bare(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint

"""The query API of Prometheus below ``/prom``. Any error has that API's form; the door (401, 403) answers as everywhere."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import promql_parser as ast
from fastapi import APIRouter, Request, Response

from api.auth import Right, may
from api.care import View
from api.context import Here, Seen
from api.prometheus import answer
from api.prometheus.ask import LATEST_S, Asked, Question, steps
from api.prometheus.catalogue import Catalogue, Labels
from api.prometheus.evaluate import Evaluation
from api.prometheus.names import METRICS
from api.prometheus.parse import Matcher, Selector, bare, parse, parse_selector
from api.prometheus.refusal import misunderstood, unavailable
from api.prometheus.samples import Budget
from api.prometheus.schema import RESPONSES, PromAnswer, described
from api.prometheus.source import Source
from vigil import __version__
from vigil.domain.errors import StoreError
from vigil.domain.times import SECOND

log = logging.getLogger("vigil.api.prometheus")

router = APIRouter(prefix="/prom/api/v1", tags=["prometheus"], dependencies=[may(Right.READ)], responses=RESPONSES)

#: The version whose answers ours were compared with; clients decide by it what they may ask.
LIKE_VERSION = "2.42.0"
#: Selectors in one request for labels or series (ours).
MOST_SELECTORS = 50
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_JSON = "application/json"

_EVERYTHING = Selector((Matcher("__name__", "", regex=False, wanted=False),))

_RANGE = ("query!", "start!", "end!", "step!", "timeout", "limit")
_LISTED = ("match[]", "start", "end", "limit")


def _success(data: Any, warnings: list[str] | None = None) -> Response:
    body = {"status": "success", "data": data} | ({"warnings": warnings} if warnings else {})
    return Response(msgspec.json.encode(body), media_type=_JSON)


def _answered(request: Request, here: Here, seen: View, asked: Asked, question: Callable[[Source], Any]) -> Response:
    """The data that ``question`` finds, cut to the limit that was asked for."""
    limit = asked.limit()
    catalogue = request.app.state.prometheus
    assert isinstance(catalogue, Catalogue)
    past = here.deps.history()
    try:
        data, warnings = answer.cut(question(Source(here.deps, past, catalogue.now(), seen, Budget())), limit)
    except StoreError as error:
        log.error("a Prometheus query failed: %s", type(error).__name__, exc_info=error)
        raise unavailable() from error
    return _success(data, [*warnings, *answer.older(past.missing)])


@router.get(
    "/query",
    response_model=PromAnswer,
    summary="PromQL at one time",
    openapi_extra=described("query!", "time", "timeout", "limit"),
)
@router.post(
    "/query",
    response_model=PromAnswer,
    summary="PromQL at one time, asked by a form",
    openapi_extra=described("query!", "time", "timeout", "limit", form=True),
)
def query(request: Request, here: Here, seen: Seen, asked: Question) -> Response:
    tree = parse(asked.needed("query"))
    asked.check_timeout()
    at = asked.time("time")
    times = np.array([here.deps.clock.now_us() if at is None else at], np.int64)

    def found(source: Source) -> Any:
        evaluation, node = Evaluation(source, times), bare(tree)
        if isinstance(node, ast.MatrixSelector):
            series, offset, length = evaluation.samples(node)
            return answer.samples(series, int(times[0]) - offset, length)
        return answer.instant(evaluation.value(node), times)

    return _answered(request, here, seen, asked, found)


@router.get(
    "/query_range", response_model=PromAnswer, summary="PromQL over a range of time", openapi_extra=described(*_RANGE)
)
@router.post(
    "/query_range",
    response_model=PromAnswer,
    summary="PromQL over a range of time, asked by a form",
    openapi_extra=described(*_RANGE, form=True),
)
def query_range(request: Request, here: Here, seen: Seen, asked: Question) -> Response:
    """Points lie exactly at start, start + step, … up to the end."""
    tree = parse(asked.needed("query"))
    asked.check_timeout()
    start, end, step = asked.time("start"), asked.time("end"), asked.step()
    if start is None or end is None:
        raise misunderstood('invalid parameter "start" or "end": it is missing')
    times = start + np.arange(steps(start, end, step), dtype=np.int64) * step
    node = bare(tree)
    if isinstance(node, (ast.MatrixSelector, ast.StringLiteral)):
        raise misunderstood('invalid parameter "query": for a range it must be a number or an instant vector')

    def found(source: Source) -> Any:
        value = Evaluation(source, times).value(node)
        assert not isinstance(value, str)
        return answer.over_range(value, times)

    return _answered(request, here, seen, asked, found)


@router.get(
    "/series",
    response_model=PromAnswer,
    summary="Which series there are",
    openapi_extra=described("match[]!", *_LISTED[1:]),
)
@router.post(
    "/series",
    response_model=PromAnswer,
    summary="Which series there are, asked by a form",
    openapi_extra=described("match[]!", *_LISTED[1:], form=True),
)
def series(request: Request, here: Here, seen: Seen, asked: Question) -> Response:
    if not asked.all("match[]"):
        raise misunderstood('invalid parameter "match[]": at least one is needed')
    return _answered(request, here, seen, asked, lambda source: [dict(one) for one in sorted(_listed(source, asked))])


@router.get("/labels", response_model=PromAnswer, summary="Names of labels", openapi_extra=described(*_LISTED))
@router.post(
    "/labels",
    response_model=PromAnswer,
    summary="Names of labels, asked by a form",
    openapi_extra=described(*_LISTED, form=True),
)
def labels(request: Request, here: Here, seen: Seen, asked: Question) -> Response:
    def found(source: Source) -> list[str]:
        return sorted({name for one in _listed(source, asked) for name, _ in one})

    return _answered(request, here, seen, asked, found)


@router.get(
    "/label/{name}/values", response_model=PromAnswer, summary="Values of a label", openapi_extra=described(*_LISTED)
)
def label_values(name: str, request: Request, here: Here, seen: Seen, asked: Question) -> Response:
    if not _LABEL.fullmatch(name):
        raise misunderstood("invalid label name")

    def found(source: Source) -> list[str]:
        return sorted({value for one in _listed(source, asked) for label, value in one if label == name})

    return _answered(request, here, seen, asked, found)


@router.get(
    "/metadata", response_model=PromAnswer, summary="What each metric is", openapi_extra=described("metric", "limit")
)
def metadata(asked: Question) -> Response:
    wanted, limit = asked.one("metric"), asked.limit()
    chosen = [one for name, one in METRICS.items() if wanted in (None, name)][:limit]
    return _success({one.name: [{"type": "gauge", "help": one.help, "unit": one.unit}] for one in chosen})


@router.get(
    "/format_query", response_model=PromAnswer, summary="The query, laid out", openapi_extra=described("query!")
)
@router.post(
    "/format_query",
    response_model=PromAnswer,
    summary="The query, laid out, asked by a form",
    openapi_extra=described("query!", form=True),
)
def format_query(asked: Question) -> Response:
    return _success(parse(asked.needed("query")).prettify())


@router.get("/status/buildinfo", response_model=PromAnswer, summary="Which Prometheus this behaves like")
def build_info() -> Response:
    """Without ``features``: with them Grafana would take this for Mimir."""
    empty = {"branch": "", "buildUser": "", "buildDate": "", "goVersion": ""}
    return _success({"version": LIKE_VERSION, "revision": f"vigil-{__version__}", **empty})


@router.get("/rules", response_model=PromAnswer, summary="None: rules of Vigil are its policies")
def rules() -> Response:
    return _success({"groups": []})


@router.get("/alerts", response_model=PromAnswer, summary="None: alerts are listed below /alertmanager")
def alerts() -> Response:
    return _success({"alerts": []})


@router.get("/query_exemplars", response_model=PromAnswer, summary="None: there are no traces")
@router.post("/query_exemplars", response_model=PromAnswer, summary="None: there are no traces")
def exemplars() -> Response:
    return _success([])


def _listed(source: Source, asked: Asked) -> set[Labels]:
    """Of the series that any of ``match[]`` takes; without one, of all."""
    since, until = asked.bound("start", 0), asked.bound("end", LATEST_S * SECOND)
    texts = asked.all("match[]")
    if len(texts) > MOST_SELECTORS:
        raise misunderstood(f'invalid parameter "match[]": at most {MOST_SELECTORS} selectors')
    selectors = [parse_selector(one) for one in texts] or [_EVERYTHING]
    return {one for selector in selectors for one in source.listed(selector, since, until)}

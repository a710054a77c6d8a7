"""Traces and metrics by OpenTelemetry: off unless a collector is named, never personal data.

Off means that nothing of the SDK is imported. Logs stay with `log`: exceptions quote the input.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from shared.running.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

OFF = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False}
# Templates, numbers and names from code; no path, no query, no address, no exception's text.
KEPT = frozenset(
    {
        *("http.request.method", "http.route", "http.response.status_code", "error.type"),
        *("code.function.name", "server.port", "url.scheme", "network.protocol.version"),
        *("service", "step", "topic", "party"),
    }
)


def options(settings: Settings, service: str) -> dict[str, Any]:
    """Return what `FastAPI(telemetry=…)` takes: everything off, or providers to our collector."""
    if settings.otel_exporter_otlp_endpoint is None:
        return dict(OFF)
    tracer, meter = _providers(settings.otel_exporter_otlp_endpoint.rstrip("/"), service)
    return OFF | {
        "tracing": True,
        "metrics": True,
        "tracer_provider": tracer,
        "meter_provider": meter,
    }


def flush(settings: Settings, service: str) -> None:
    """Send what is still in hand; for the end of a process."""
    if settings.otel_exporter_otlp_endpoint is not None:
        endpoint = settings.otel_exporter_otlp_endpoint.rstrip("/")
        for provider in _providers(endpoint, service):
            provider.shutdown()


@lru_cache
def _providers(endpoint: str, service: str) -> "tuple[TracerProvider, MeterProvider]":
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource({"service.name": f"soha-{service}"})
    tracer = TracerProvider(resource=resource)
    spans = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")
    tracer.add_span_processor(BatchSpanProcessor(_listed_only(spans)))
    metrics = OTLPMetricExporter(endpoint=f"{endpoint}/v1/metrics")
    reader = PeriodicExportingMetricReader(metrics)
    return tracer, MeterProvider(resource=resource, metric_readers=[reader])


def _listed_only(outer: "SpanExporter") -> "SpanExporter":
    """Return an exporter that passes on what is listed in KEPT, and no event of any span."""
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    def bare(span: ReadableSpan) -> ReadableSpan:
        attributes = {k: v for k, v in (span.attributes or {}).items() if k in KEPT}
        return ReadableSpan(
            span.name,
            context=span.context,
            parent=span.parent,
            resource=span.resource,
            attributes=attributes,
            kind=span.kind,
            status=span.status,
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )

    class Listed(SpanExporter):
        def export(self, spans: "Sequence[ReadableSpan]") -> SpanExportResult:
            return outer.export([bare(span) for span in spans])

        def shutdown(self) -> None:
            outer.shutdown()

    return Listed()

"""Telemetry is off by itself, and says nothing personal when it is on."""

import subprocess
import sys

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.running import telemetry
from shared.running.settings import Settings


def test_without_a_collector_everything_is_off_and_the_sdk_is_not_loaded():
    asked = (
        "import sys; from shared.running import telemetry; "
        "from shared.running.settings import Settings; "
        "on = telemetry.options(Settings(otel_exporter_otlp_endpoint=None), 'loans'); "
        "sys.exit(any(on.values()) or 'opentelemetry.sdk' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", asked], check=False)
    assert done.returncode == 0


def test_with_a_collector_traces_and_metrics_are_on_and_logs_stay_off(tmp_path):
    settings = Settings(
        otel_exporter_otlp_endpoint="http://127.0.0.1:9", data_dir=tmp_path, run_dir=tmp_path
    )
    on = telemetry.options(settings, "loans")
    assert (on["tracing"], on["metrics"], on["logs"]) == (True, True, False)


def test_spans_leave_without_queries_paths_and_exception_texts():
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(telemetry._listed_only(kept)))
    asked = {"http.route": "/v1/me", "url.query": "mobile=09121234567", "url.path": "/v1/me"}
    with provider.get_tracer("test").start_as_current_span("GET /v1/me", attributes=asked) as span:
        span.record_exception(ValueError("0499370899"))
    provider.shutdown()
    (sent,) = kept.get_finished_spans()
    assert dict(sent.attributes) == {"http.route": "/v1/me"}
    assert sent.events == ()
    assert sent.name == "GET /v1/me"

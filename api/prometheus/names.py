"""The one table of metrics: what a vital sign is called here, once for ever, since dashboards refer to it."""

from __future__ import annotations

from dataclasses import dataclass

from vigil.domain.vitals import BY_NAME, VITALS

SCORE = "score_news2"
SCORE_LOWER = "score_news2_lower"
SCORE_UPPER = "score_news2_upper"
ALERT = "alert_active"


@dataclass(frozen=True, slots=True)
class Metric:
    """``extra``: a label that tells apart what one metric holds together."""

    name: str
    help: str
    unit: str
    extra: tuple[tuple[str, str], ...] = ()


def _vital(name: str, metric: str, *extra: tuple[str, str]) -> tuple[int, Metric]:
    kind = BY_NAME[name]
    coded = f", coded 0 to {len(kind.codes) - 1} for {kind.codes}" if kind.codes else ""
    title = "Blood pressure" if extra else kind.title
    return kind.index, Metric(metric, f"{title}{coded}; usable values only", kind.ucum, extra)


#: By vital index.
VITAL_METRICS: dict[int, Metric] = dict(
    (
        _vital("heart_rate", "vital_heart_rate_per_minute"),
        _vital("spo2", "vital_spo2_percent"),
        _vital("resp_rate", "vital_resp_rate_per_minute"),
        _vital("bp_sys", "vital_bp_mmhg", ("phase", "systolic")),
        _vital("bp_dia", "vital_bp_mmhg", ("phase", "diastolic")),
        _vital("bp_mean", "vital_bp_mmhg", ("phase", "mean")),
        _vital("body_temp", "vital_temperature_celsius"),
        _vital("skin_temp", "vital_skin_temperature_celsius"),
        _vital("body_weight", "vital_body_weight_kilograms"),
        _vital("glucose_mgdl", "vital_glucose_milligrams_per_decilitre"),
        _vital("glucose_mmol", "vital_glucose_millimoles_per_litre"),
        _vital("fio2", "vital_fio2_percent"),
        _vital("o2_flow", "vital_oxygen_flow_litres_per_minute"),
        _vital("consciousness", "vital_consciousness_acvpu"),
        _vital("gcs", "vital_glasgow_coma_scale"),
        _vital("perfusion_index", "vital_perfusion_index_percent"),
        _vital("steps", "vital_steps"),
        _vital("hrv_rmssd", "vital_hrv_rmssd_milliseconds"),
        _vital("battery_level", "vital_battery_percent"),
        _vital("rssi", "vital_radio_signal_dbm"),
    )
)

_OTHERS = (
    Metric(SCORE, "NEWS2, where every input is there and fresh", "{score}"),
    Metric(SCORE_LOWER, "The least that NEWS2 can be, whatever the missing inputs are", "{score}"),
    Metric(SCORE_UPPER, "The most that NEWS2 can be, whatever the missing inputs are", "{score}"),
    Metric(ALERT, "Alerts whose condition holds, or may hold: data are missing", ""),
)

#: By metric name, in the order of the table.
METRICS: dict[str, Metric] = {
    one.name: one for one in (*(VITAL_METRICS[kind.index] for kind in VITALS if kind.index in VITAL_METRICS), *_OTHERS)
}

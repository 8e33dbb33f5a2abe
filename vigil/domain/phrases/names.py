"""Names inside phrases, each in English and Chinese: vital signs, inputs of NEWS2, and words that rules give as their reasons.

The Chinese is ours, after the usual wording of Chinese monitors; no Chinese nurse has read it yet.
"""

from __future__ import annotations

from enum import IntEnum

from vigil.domain.phrases.health_catalogue import CAUSES
from vigil.domain.vitals import BY_NAME


class Language(IntEnum):
    """The place of the language in each pair."""

    ENGLISH = 0
    CHINESE = 1


#: English names as nurses say them, where the table's title is longer.
_SHORT = {"spo2": "SpO2", "bp_sys": "Systolic pressure", "bp_dia": "Diastolic pressure"}
#: Inside a sentence and in the coverage light, as in "no BP".
_SHORTEST = {"spo2": "SpO2", "bp_sys": "BP", "bp_dia": "BP", "bp_mean": "BP"}

#: One for each row of the table of vitals; the same words as on the page (``api/web/strings.js``).
CHINESE_VITALS = {
    "heart_rate": "脉率",
    "spo2": "血氧饱和度",
    "resp_rate": "呼吸频率",
    "bp_sys": "收缩压",
    "bp_dia": "舒张压",
    "bp_mean": "平均动脉压",
    "body_temp": "体温",
    "skin_temp": "皮肤温度",
    "body_weight": "体重",
    "glucose_mgdl": "血糖",
    "glucose_mmol": "血糖",
    "fio2": "吸入氧浓度",
    "o2_flow": "吸氧流量",
    "consciousness": "意识",
    "gcs": "格拉斯哥昏迷评分",
    "perfusion_index": "灌注指数",
    "steps": "步数",
    "hrv_rmssd": "心率变异性",
    "battery_level": "电量",
    "rssi": "无线信号强度",
}
_CHINESE_SHORTEST = {"bp_sys": "血压", "bp_dia": "血压", "bp_mean": "血压"}

#: How the inputs of NEWS2 are named.
SCORE_INPUTS = {
    "resp_rate": ("breathing", "呼吸频率"),
    "spo2": ("SpO2", "血氧饱和度"),
    "oxygen": ("oxygen", "吸氧"),
    "bp_sys": ("systolic pressure", "收缩压"),
    "heart_rate": ("pulse", "脉率"),
    "consciousness": ("consciousness", "意识"),
    "body_temp": ("temperature", "体温"),
}
CHINESE_ACVPU = {
    "A": "A（清醒）",
    "C": "C（新发意识模糊）",
    "V": "V（对声音有反应）",
    "P": "P（对疼痛有反应）",
    "U": "U（无反应）",
}

#: Words that stand in the records in English: why an alert was withdrawn or amended, what a detector is called, what a model
#: foretells. What is not here, such as a reason that an older Vigil gave, is shown as it is.
CHINESE_WORDS = {
    "limit changed": "报警限已更改",
    "schedule": "时段报警限已切换",
    "device unbound": "设备已解绑",
    "patient discharged": "患者已出院",
    "detector failed": "检测程序故障",
    "monitoring is paused": "监测已暂停",
    "model not active": "模型未启用",
    "hand-over not accepted": "交班未被接受",
    "assignment not accepted": "指派未被接受",
    "nobody takes over": "无人接班",
    "shift ended": "班次结束",
    "what carried it is closed, snoozed or without data, or no longer says the same": (
        "代为呼叫的报警已关闭、暂缓、无数据或内容已变"
    ),
    "confirmed by a valid value": "已由有效值核实",
    "Readings that came later show that this condition did not hold.": "补传数据显示该情况并不成立。",
    "rate of change": "变化过快",
    "outside the recent range": "超出近期范围",
    "value does not move": "数值无变化",
    "trend": "趋势变化",
    "drift": "持续偏移",
    "unusual for this person": "与该患者平时不同",
    "values": "数值",
    "a NEWS2": "NEWS2 评分",
    "sepsis onset within 6 h": "6 小时内发生脓毒症",
    "went on to sepsis within 6 h": "在 6 小时内发生脓毒症",
    "mean pressure below 60 mmHg for 30 min within the hour": "一小时内平均动脉压低于 60 mmHg 达 30 分钟",
    "had a mean pressure below 60 mmHg within the hour": "在一小时内平均动脉压低于 60 mmHg",
    **CAUSES,
}


#: What a risk model goes by, as said in its reasons.
ENGLISH_MEASURES = {
    "heart_rate": "Pulse",
    "resp_rate": "Breathing",
    "body_temp": "Temperature",
    "spo2": "Oxygen saturation",
    "bp_sys": "Systolic pressure",
    "bp_mean": "Mean pressure",
    "bp_dia": "Diastolic pressure",
}


def vital_name(vital: str, language: Language = Language.ENGLISH) -> str:
    if language is Language.CHINESE:
        return CHINESE_VITALS[vital]
    return _SHORT.get(vital, BY_NAME[vital].title)


def vital_word(vital: str, language: Language = Language.ENGLISH) -> str:
    """The name inside a sentence.

    >>> vital_word("heart_rate"), vital_word("bp_sys"), vital_word("spo2"), vital_word("bp_sys", Language.CHINESE)
    ('heart rate', 'BP', 'SpO2', '血压')
    """
    if language is Language.CHINESE:
        return _CHINESE_SHORTEST.get(vital) or CHINESE_VITALS[vital]
    return _SHORTEST.get(vital) or BY_NAME[vital].title.lower()

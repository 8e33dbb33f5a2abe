"""Every title and sentence of an alert: [English, Chinese], one line a key, as the page has its own in ``api/web/strings.js``.

``{name:form}`` is a value of the phrase in one of the forms of ``render``. Both languages name the same values in the same
forms, so that no number, unit or limit can differ between them; a test compares. The English is value first, then limit, then how
sure: no names, no diagnosis, no "please". The Chinese is ours; no Chinese nurse has read it yet.
"""

from __future__ import annotations

from vigil.domain.phrases.handover_catalogue import HANDOVER
from vigil.domain.phrases.health_catalogue import HEALTH

CATALOGUE: dict[str, tuple[str, str]] = {
    # Limits, and values that are not verified
    "limit.low.title": ("{vital:name} low", "{vital:name}过低"),
    "limit.high.title": ("{vital:name} high", "{vital:name}过高"),
    "limit.low": (
        "{vital:name} {value:amount}, below {limit:limit}.",
        "{vital:name} {value:amount}，低于 {limit:limit}。",
    ),
    "limit.high": (
        "{vital:name} {value:amount}, above {limit:limit}.",
        "{vital:name} {value:amount}，高于 {limit:limit}。",
    ),
    "limit.low.lasting": (
        "{vital:name} {value:amount}, below {limit:limit} for {lasted:long}.",
        "{vital:name} {value:amount}，低于 {limit:limit}，已持续 {lasted:long}。",
    ),
    "limit.high.lasting": (
        "{vital:name} {value:amount}, above {limit:limit} for {lasted:long}.",
        "{vital:name} {value:amount}，高于 {limit:limit}，已持续 {lasted:long}。",
    ),
    "limit.low.severe": (
        "{vital:name} {value:amount}, below the severe limit {limit:limit}.",
        "{vital:name} {value:amount}，低于危急限 {limit:limit}。",
    ),
    "limit.high.severe": (
        "{vital:name} {value:amount}, above the severe limit {limit:limit}.",
        "{vital:name} {value:amount}，高于危急限 {limit:limit}。",
    ),
    "limit.unknown": (
        "{vital:name} was {value:amount} at {at:clock}, limit {limit:limit}, then no valid data came."
        " Not known how it is now.",
        "{vital:name} {value:amount}（{at:clock}），报警限 {limit:limit}，此后无有效数据，目前情况未知。",
    ),
    "signal.weak": ("Weak signal.", "信号弱。"),
    "signal.early": ("Early estimate.", "初步估计。"),
    "signal.manual": ("Entered by a person.", "人工录入。"),
    "signal.good": ("Good signal.", "信号良好。"),
    "unverified.title": ("{vital:name} unverified", "{vital:name}未核实"),
    "unverified": (
        "{vital:name} may be {value:amount}: bad signal. Call and check the sensor. Not yet confirmed.",
        "{vital:name}可能为 {value:amount}：信号质量差。请致电并检查传感器。尚未核实。",
    ),
    "unverified.weak": (
        "{vital:name} may be {value:amount}: weak signal, as of cold hands or in shock. Call and check. Not yet confirmed.",
        "{vital:name}可能为 {value:amount}：信号弱，可能因手部发凉或休克。请致电并检查。尚未核实。",
    ),
    # Past events
    "past.low.title": ("{vital:name} low, past", "{vital:name}过低（既往）"),
    "past.high.title": ("{vital:name} high, past", "{vital:name}过高（既往）"),
    "past.moment": (
        "Past event: {vital:name} {value:amount} at {onset_at:clock}, received {received_at:clock}.",
        "既往事件：{vital:name} {value:amount}（{onset_at:clock}），{received_at:clock} 收到。",
    ),
    "past.span": (
        "Past event: {vital:name} {value:amount} from {onset_at:clock} to {ended_at:clock},"
        " received {received_at:clock}.",
        "既往事件：{vital:name} {value:amount}（{onset_at:clock} 至 {ended_at:clock}），{received_at:clock} 收到。",
    ),
    "past.moment.times": (
        "Past event: {vital:name} {value:amount} at {onset_at:clock} ({count} times), received {received_at:clock}.",
        "既往事件：{vital:name} {value:amount}（{onset_at:clock}，{count} 次），{received_at:clock} 收到。",
    ),
    "past.span.times": (
        "Past event: {vital:name} {value:amount} from {onset_at:clock} to {ended_at:clock} ({count} times),"
        " received {received_at:clock}.",
        "既往事件：{vital:name} {value:amount}（{onset_at:clock} 至 {ended_at:clock}，{count} 次），"
        "{received_at:clock} 收到。",
    ),
    # Other detectors
    "finding.title": ("{vital:name}: {called:words}", "{vital:name}：{called:words}"),
    "finding": ("{vital:name} {value:amount}: {called:words}.", "{vital:name} {value:amount}：{called:words}。"),
    "finding.lasting": (
        "{vital:name} {value:amount}: {called:words} for {lasted:long}.",
        "{vital:name} {value:amount}：{called:words}，已持续 {lasted:long}。",
    ),
    "disagreement.title": ("{vital:name}: sensors disagree", "{vital:name}：传感器读数不一致"),
    "disagreement": (
        "{vital:name} {said:list}. One of them is wrong: check both sensors.",
        "{vital:name} {said:list}。其中一个有误：请检查两个传感器。",
    ),
    "disagreement.one": ("{value:amount} by {device}", "{value:amount}（设备 {device}）"),
    "combination.title": ("Unusual combination", "体征组合异常"),
    "combination": (
        "Together unusual for this person: {named:list}. Model {version}, learnt from the last day.",
        "综合来看与该患者平时不同：{named:list}。模型 {version}，学自最近一天的数据。",
    ),
    "combination.one": ("{vital:word} {value:amount}", "{vital:word} {value:amount}"),
    # Scores; a partial one is never labelled NEWS2
    "score.title": ("NEWS2 {total}", "NEWS2 {total} 分"),
    "score.partial.title": ("Partial score {lower} to {upper}", "不完整评分 {lower}～{upper} 分"),
    "score": ("NEWS2 is {total}.", "NEWS2 {total} 分。"),
    "score.by": ("NEWS2 is {total}: {scoring:list}.", "NEWS2 {total} 分：{scoring:list}。"),
    "score.partial": (
        "Score at least {lower}, at most {upper}. Not known: {unknown:list}.",
        "评分至少 {lower} 分，至多 {upper} 分。未知：{unknown:list}。",
    ),
    "score.partial.by": (
        "Score at least {lower}, at most {upper}: {scoring:list}. Not known: {unknown:list}.",
        "评分至少 {lower} 分，至多 {upper} 分：{scoring:list}。未知：{unknown:list}。",
    ),
    "score.part": ("{input:input} {value:part}", "{input:input} {value:part}"),
    "score.on_oxygen": ("on oxygen", "吸氧中"),
    "score.unknown": ("{input:input} (0 to 3)", "{input:input}（0～3 分）"),
    "score.unknown.oxygen": ("{input:input} (0 or 2)", "{input:input}（0 或 2 分）"),
    "score.unknown.consciousness": ("{input:input} (0 or 3)", "{input:input}（0 或 3 分）"),
    "score.was": (
        "It was {was:phrase} at {known_at:clock}; since then {changed:list}.",
        "{known_at:clock} 为 {was:phrase}；此后：{changed:list}。",
    ),
    "score.number": ("{lower}", "{lower} 分"),
    "score.bounds": ("{lower} to {upper}", "{lower}～{upper} 分"),
    "score.changed": ("{input:input} {by:signed}", "{input:input} {by:signed}"),
    "score.changed.new": (
        "{input:input} {points:signed} (not known before)",
        "{input:input} {points:signed}（此前未知）",
    ),
    "score.doubtful": ("Doubtful points: {doubts:list}.", "存疑：{doubts:list}。"),
    "score.doubt.weak": ("{points} from {input:input} (weak signal)", "{input:input} {points} 分（信号弱）"),
    "score.doubt.still": (
        "{points} from {input:input} (value stands still)",
        "{input:input} {points} 分（数值一直不变）",
    ),
    "score.adults": ("NEWS2 is for adults: age {age}", "NEWS2 仅适用于成人：年龄 {age} 岁"),
    "score.pregnancy": ("NEWS2 does not apply in pregnancy", "NEWS2 不适用于妊娠期"),
    # Missing data
    "no_data.title": ("No data", "无数据"),
    "no_data": ("No data from the device {device} for {silent:long}.", "设备 {device} 已 {silent:long}无数据。"),
    "no_data.not_watched": ("This person is not watched.", "该患者未受监测。"),
    "no_signal.title": ("No {vital:word}", "无{vital:word}数据"),
    "no_signal": ("No {vital:word} for {silent:long}.", "已 {silent:long}无{vital:word}数据。"),
    "bad_signal.title": ("Bad {vital:word} signal", "{vital:word}信号质量差"),
    "bad_signal": (
        "Bad {vital:word} signal for {silent:long}. Check the sensor.",
        "{vital:word}信号质量差已 {silent:long}。请检查传感器。",
    ),
    "last": ("Last: {value:amount} at {at:clock}.", "最近值：{value:amount}（{at:clock}）。"),
    "last.named": (
        "Last: {vital:name} {value:amount} at {at:clock}.",
        "最近值：{vital:name} {value:amount}（{at:clock}）。",
    ),
    "signal_lost.title": ("Signal lost", "信号中断"),
    "signal_lost": (
        'No valid {vital:name} while "{alert:phrase}" is open.',
        "报警“{alert:phrase}”未结束，但无有效{vital:name}数据。",
    ),
    "signal_lost.score": (
        'Inputs of "{alert:phrase}" are missing now.',
        "报警“{alert:phrase}”的评分项目目前缺失。",
    ),
    "signal_lost.model": (
        'The model has too little to go on while "{alert:phrase}" is open.',
        "报警“{alert:phrase}”未结束，但模型可用的数据不足。",
    ),
    "battery.title": ("Battery low", "电量低"),
    "battery": (
        "Battery of {device} {level:whole} % at {at:clock}, below {limit:whole} %.",
        "设备 {device} 电量 {level:whole} %（{at:clock}），低于 {limit:whole} %。",
    ),
    # The platform and the way of an alarm
    "outage.title": (
        "No data from {silent} of {heard} patients: gateway, network or broker",
        "{heard} 名患者中 {silent} 名无数据：网关、网络或消息代理",
    ),
    "outage": (
        "{silent} of {heard} patients fell silent together at {since:clock} and are not watched."
        " Check the gateway, the network and the broker; look after those who need watching.",
        "{heard} 名患者中 {silent} 名自 {since:clock} 起同时无数据，未受监测。"
        "请检查网关、网络和消息代理，并照看需要监测的患者。",
    ),
    "outage.ward": (
        "{silent} of {heard} patients of the ward {ward} fell silent together at {since:clock} and are not watched."
        " Check the gateway, the network and the broker; look after those who need watching.",
        "病区 {ward} 的 {heard} 名患者中 {silent} 名自 {since:clock} 起同时无数据，未受监测。"
        "请检查网关、网络和消息代理，并照看需要监测的患者。",
    ),
    "self_test.title": ("Self-test missing: alarms may not work", "自检缺失：报警可能失效"),
    "self_test.no_watchdog": (
        "No watchdog has set up a self-test for {silent:seconds}.",
        "已 {silent:seconds}无看门狗设置自检。",
    ),
    "self_test.no_reading": (
        "No reading of the self-test '{name}' for {silent:seconds}.",
        "自检“{name}”已 {silent:seconds}无数据。",
    ),
    "self_test.overdue": (
        "The alert of the self-test '{name}' has been due for {silent:seconds}.",
        "自检“{name}”的报警已逾期 {silent:seconds}。",
    ),
    "overload.title": ("More readings come than can be stored", "数据量超过存储能力"),
    "overload": (
        "Messages waiting to be stored: {waiting}, the oldest live one for {waited:seconds}."
        " Dropped, to be sent again: {dropped}.",
        "等待存储的消息：{waiting} 条，最早的实时消息已等待 {waited:seconds}。已丢弃、待重发：{dropped} 条。",
    ),
    "flood.title": ("A device sends too much", "设备发送数据过多"),
    "flood": (
        "More than the limit comes from {devices}; what is beyond it is dropped.",
        "设备 {devices} 发送的数据超过上限；超出部分已丢弃。",
    ),
    "flood.more": (
        "More than the limit comes from {devices} and {more} more; what is beyond it is dropped.",
        "设备 {devices} 及另外 {more} 台发送的数据超过上限；超出部分已丢弃。",
    ),
    "whose_device.title": ("Whose device is this?", "这是谁的设备？"),
    "whose_device.wearer": (
        "{device}: the person who wears it says that it is not this patient's. Look at the device and the person."
        " Its values are judged as this patient's until it is taken off.",
        "{device}：佩戴者表示该设备不是此患者的。请查看设备和佩戴者。设备解绑前，其数据仍计入此患者。",
    ),
    "whose_device.said": (
        "{device}: {by} says that it is not this patient's. Look at the device and the person."
        " Its values are judged as this patient's until it is taken off.",
        "{device}：{by} 表示该设备不是此患者的。请查看设备和佩戴者。设备解绑前，其数据仍计入此患者。",
    ),
    "whose_weight.title": ("Whose weight is this?", "这是谁的体重？"),
    "whose_weight": (
        "{weight:tenths} kg on {device}, after {before:tenths} kg before: whose weight is it?"
        " It is judged for nobody until somebody says so. Ask for another weighing.",
        "{weight:tenths} kg（设备 {device}），此前 {before:tenths} kg：是谁的体重？"
        "有人确认前不计入任何人。请再称一次。",
    ),
    "unanswered.title": ("Nobody has answered", "无人应答"),
    "unanswered": (
        'Nobody has answered "{alert:phrase}": called {calls} times, the whole chain of the team.',
        "“{alert:phrase}”无人应答：已呼叫 {calls} 次，团队各级均已呼叫。",
    ),
    # Why a line of an alert's log calls nobody now
    "call.over": ("over by itself", "已自行结束"),
    "call.gap": ("data may come back", "数据可能恢复"),
    "call.doubt": ("waits for a valid value", "等待有效值"),
    "call.paused": ("monitoring is paused until {until:clock}", "监测暂停至 {until:clock}"),
    "call.part_of": ('part of "{alert:phrase}"', "属于“{alert:phrase}”"),
    "call.budget": (
        "the ward has had as many interruptions in this hour as it has allowed",
        "本病区本小时的呼叫已达上限",
    ),
    "call.past": (
        "past events of this ward called once, at {at:clock}",
        "本病区的既往事件已于 {at:clock} 合并呼叫",
    ),
    "call.low": ("low priority", "低优先级"),
    "call.joined": ('joined "{alert:phrase}"', "并入“{alert:phrase}”"),
    "call.attended": ('"{alert:phrase}" was acknowledged a short time ago', "“{alert:phrase}”不久前已确认"),
    "call.snoozed": ("snoozed until {until:clock}", "暂缓至 {until:clock}"),
    # Why somebody is not watched, or only in part
    "coverage": ("{parts:list}", "{parts:list}"),
    "coverage.paused": ("monitoring is paused", "监测已暂停"),
    "coverage.behind": ("Vigil is behind with its readings", "Vigil 数据处理滞后"),
    "coverage.still": ("Vigil has stopped judging", "Vigil 已停止判定"),
    "coverage.not_judged": ("not judged yet since the start", "启动后尚未判定"),
    "coverage.no_device": ("no device", "未绑定设备"),
    "coverage.none_bound": ("no device is bound", "未绑定设备"),
    "coverage.no_vital": ("no {vital:word}", "无{vital:word}数据"),
    "coverage.bad_vital": ("bad {vital:word} signal", "{vital:word}信号质量差"),
    "coverage.no_data": ("no data from {devices}", "设备 {devices} 无数据"),
    "coverage.old": ("score incomplete: old {inputs:list}", "评分不完整：{inputs:list}已过时"),
    "coverage.old.vital": ("{vital:word}", "{vital:word}"),
    "coverage.old.oxygen": ("oxygen", "吸氧"),
    # Risk models
    "risk.title": ("Risk of {event:words}", "风险：{event:words}"),
    "risk.reasons": ("{reasons:series}.", "{reasons:series}。"),
    "risk.few": (
        "Fewer than 1 of 100 people with such {alike:words} {went_on:words}; learned in intensive care, not at home.",
        "{alike:words}相近的 100 人中，不足 1 人{went_on:words}；模型学自重症监护数据，非居家数据。",
    ),
    "risk.few.most": (
        "Fewer than 1 of 100 people with such {alike:words} {went_on:words} (up to {most});"
        " learned in intensive care, not at home.",
        "{alike:words}相近的 100 人中，不足 1 人{went_on:words}（最多 {most} 人）；模型学自重症监护数据，非居家数据。",
    ),
    "risk.about": (
        "About {count} of 100 people with such {alike:words} {went_on:words} ({low} to {most});"
        " learned in intensive care, not at home.",
        "{alike:words}相近的 100 人中，约 {count} 人{went_on:words}（{low}～{most} 人）；"
        "模型学自重症监护数据，非居家数据。",
    ),
    "reason": ("{vital:measure} {value:measured}{more:run}", "{vital:measure} {value:measured}{more:run}"),
    "reason.as_usual": (", this person's usual", "，与该患者平时相同"),
    "reason.above_usual": (", {apart} above this person's usual ({other})", "，比该患者平时（{other}）高 {apart}"),
    "reason.below_usual": (", {apart} below this person's usual ({other})", "，比该患者平时（{other}）低 {apart}"),
    "reason.as_typical": (", typical", "，与典型值相同"),
    "reason.above_typical": (", {apart} above typical ({other})", "，比典型值（{other}）高 {apart}"),
    "reason.below_typical": (", {apart} below typical ({other})", "，比典型值（{other}）低 {apart}"),
    "reason.this_hour": (", measured within the hour", "，一小时内测得"),
    "reason.ago": (", measured {age_s:old} ago", "，{age_s:old}前测得"),
    "reason.old.lower": (
        ", {age_s:old} old: the risk could be lower by now",
        "，{age_s:old}前测得：目前风险可能更低",
    ),
    "reason.old.higher": (
        ", {age_s:old} old: the risk could be higher by now",
        "，{age_s:old}前测得：目前风险可能更高",
    ),
    "reason.not_measured": ("{vital:measure} not measured", "{vital:measure}未测"),
    "reason.age": ("Age {age}", "年龄 {age} 岁"),
    "reason.age.oldest": ("Age {age} or more", "年龄 {age} 岁或以上"),
    "reason.age.unknown": ("Age not known", "年龄未知"),
    "reason.male": ("Male", "男"),
    "reason.female": ("Female", "女"),
    "reason.sex.unknown": ("Sex not known", "性别未知"),
    "reason.labs": ("Laboratory values", "化验结果"),
    "reason.stay": ("Place and length of the stay", "住院地点与时长"),
    "reason.rest": ("Other values and their course over three days", "其他数值及其三天内的变化"),
    "risk.notice": ("Decision support, not a diagnosis.", "仅供决策参考，不作为诊断。"),
    "risk.model": ("Model {model} {version}.", "模型 {model} {version}。"),
    "model.refused.title": ("Risk model {model} is not in use", "风险模型 {model} 未启用"),
    "model.refused": ("{why}. Its predictions stop.", "{why}。其预测已停止。"),
    "model.drift": ("{what}.", "{what}。"),
    "model.drift.more": ("And {more} more.", "另有 {more} 项。"),
    "model.drift.title": ("Risk model {model}: drift of {features}", "风险模型 {model}：输入分布偏移 {features}"),
    # What late readings and decisions add to a sentence
    "withdrawn": ("Withdrawn: {reason:words}.", "已撤销：{reason:words}。"),
    "as_said": ("{said:words}", "{said:words}"),
    **HANDOVER,
    **HEALTH,
}

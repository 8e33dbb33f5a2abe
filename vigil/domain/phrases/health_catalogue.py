"""What the checks of the running system say, as the sentences of ``catalogue``: [English, Chinese], one line a key.

A cause stands in its own words in both languages where it holds what another program said; the fixed ones are in ``CAUSES``.
"""

from __future__ import annotations

HEALTH: dict[str, tuple[str, str]] = {
    "check.parts": ("{parts:series}", "{parts:series}"),
    "check.failed": ("the check failed: {error}", "检查本身失败：{error}"),
    "check.up_to_date": ("up to date", "无滞后"),
    "check.broker.connected": ("connected by MQTT {version}", "已通过 MQTT {version} 连接"),
    "check.broker.away": ("no reading arrives: no connection to the MQTT broker", "收不到数据：未连接到 MQTT 消息代理"),
    "check.broker.tls": (
        "no reading arrives: no TLS with the broker at {address}: {why:words}",
        "收不到数据：与消息代理 {address} 无法建立 TLS 连接：{why:words}",
    ),
    "check.store": (
        "{readings} readings, {waiting} messages waiting",
        "已存 {readings} 条数据，{waiting} 条消息等待存储",
    ),
    "check.store.failing": ("{why}", "数据无法存储，正在重试：{why}"),
    "check.store.records": ("no alarm can be recorded: {why}", "报警无法记录：{why}"),
    "check.store.missing": (
        "{files} files of closed days are missing, {first} first: restore them from a backup",
        "缺少 {files} 个往日数据文件，首个为 {first}：请从备份恢复",
    ),
    "check.intake": ("{waiting} messages waiting", "{waiting} 条消息等待存储"),
    "check.analytics.failed": (
        "detectors failed and are switched off until the next start: {names}",
        "检测程序故障，已停用至下次启动：{names}",
    ),
    "check.analytics.behind": ("{readings} readings behind", "滞后 {readings} 条数据"),
    "check.channels.trouble": ("{channel}: {why:words}", "渠道 {channel} 异常：{why:words}"),
    "check.channels.page": ("the page only", "仅有页面"),
    "check.channels.more": ("{channels} beside the page", "除页面外还有 {channels} 个渠道"),
    "check.disk": ("{free:tenths} GiB free", "剩余 {free:tenths} GiB"),
    "check.days": ("closed days are in files", "往日数据已转存为文件"),
    "check.days.failing": ("{why}", "往日数据未能转存：{why}"),
    "check.self_test": ("no alarm is missing", "测试报警无缺失"),
    "check.audit": ("unbroken at the start", "启动时校验完好"),
    "check.audit.broken": ("{why}: run vigil audit verify", "校验未通过：{why}。请运行 vigil audit verify"),
    "check.audit.failing": (
        "the audit log cannot be written: changes are refused",
        "审计日志无法写入：所有更改均被拒绝",
    ),
    "check.live.failing": ("the live view does not run", "实时视图未运行"),
    "check.sound": ("each ward has a screen that can be heard", "各病区均有可发声的屏幕"),
    "check.sound.mute": ("no audible screen for {wards}", "无可发声屏幕的病区：{wards}"),
    "check.sound.unseen": ("no screen is open for {wards}", "未打开屏幕的病区：{wards}"),
    "check.influx.failing": ("{why}", "副本状态无法读取：{why}"),
    "check.influx.behind": (
        "{readings} readings behind, the oldest has waited {waited:seconds}",
        "滞后 {readings} 条数据，最早一条已等待 {waited:seconds}",
    ),
    "check.influx.trouble": (
        "{why:words}; nothing is lost, it is tried again",
        "写入未成功，数据不会丢失，将自动重试：{why:words}",
    ),
    "check.influx.aside": (
        "{readings} readings set aside, tried again each hour: {why:words}",
        "{readings} 条数据暂存，每小时重试：{why:words}",
    ),
    "check.influx.note": ("{why}", "请注意：{why}"),
}

#: Causes in fixed words, as they stand in the log and in the commands. The first are those of ``vigil.runtime.tls``.
CAUSES = {
    "its certificate has expired: issue a new one with vigil tls server": "对方证书已过期：请用 vigil tls server 重新签发",
    "its certificate is not valid yet: compare the clocks of both machines": "对方证书尚未生效：请核对两台机器的时钟",
    "its certificate is for another name: use a name that stands in it, or issue one for this name too": (
        "对方证书的名称不符：请使用证书中的名称，或为此名称签发证书"
    ),
    "its certificate is signed by a CA that is not in broker.ca_file: copy the broker's ca.crt there": (
        "签发对方证书的 CA 不在 broker.ca_file 中：请将代理的 ca.crt 复制到该处"
    ),
    "no TLS is spoken at that port: name the TLS port, or leave broker.ca_file out": (
        "该端口不使用 TLS：请填写 TLS 端口，或去掉 broker.ca_file"
    ),
    "it closed the connection before TLS began: name the TLS port, or leave broker.ca_file out": (
        "对方在 TLS 开始前关闭了连接：请填写 TLS 端口，或去掉 broker.ca_file"
    ),
    "it asks for a certificate of ours: set broker.cert_file and broker.key_file": (
        "对方要求本机证书：请设置 broker.cert_file 和 broker.key_file"
    ),
    "it refuses our certificate, which has expired: issue one with vigil tls device": (
        "对方拒绝本机证书（已过期）：请用 vigil tls device 签发"
    ),
    "it refuses our certificate, which was revoked: issue one with vigil tls device": (
        "对方拒绝本机证书（已吊销）：请用 vigil tls device 签发"
    ),
    "it does not know the CA that signed our certificate: issue one with vigil tls device": (
        "对方不认识签发本机证书的 CA：请用 vigil tls device 签发"
    ),
    "it speaks no TLS from 1.2 on: bring it up to date": "对方不支持 TLS 1.2 及以上版本：请升级",
    "InfluxDB does not know the token: put a valid one into the file influx.token_file names": (
        "InfluxDB 不认识该令牌：请在 influx.token_file 所指文件中放入有效令牌"
    ),
    "InfluxDB takes only smaller writes (413)": "InfluxDB 只接受更小的写入 (413)",
    "no InfluxDB 2 is at influx.url, or it has a path too many (404)": (
        "influx.url 处没有 InfluxDB 2，或其路径多余 (404)"
    ),
    "InfluxDB cannot be found: the name in influx.url is not known here": "找不到 InfluxDB：influx.url 中的名称无法解析",
    "InfluxDB shows a certificate that is not trusted here: name its authority in influx.ca_file, or renew it": (
        "InfluxDB 的证书不受信任：请在 influx.ca_file 中指定其 CA，或更新证书"
    ),
    "InfluxDB speaks no TLS that is known here: look at influx.url and the server's certificate": (
        "无法与 InfluxDB 建立 TLS：请检查 influx.url 和服务器证书"
    ),
    "this channel has no address for this person": "该渠道没有此人的地址",
    "the service did not take the notice (apprise says no more)": "服务未接收通知（apprise 未给出原因）",
}

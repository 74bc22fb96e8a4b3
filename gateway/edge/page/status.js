'use strict';
/* The status page: asks /status.json every second and draws it. No library, no inline script. */
const WORDS = {
  zh: { title: '心网网关', demo: '演示数据', waiting: '等待接入的设备', waiting_help: '只接入您认识的设备。拒绝后设备会被断开。', alarms: '技术报警', link: '县中心链路',
    spool: '本地存储', clock: '时钟', devices: '设备', no_devices: '还没有设备。请在设备上填写本网关的地址和端口。', device: '设备', bed: '位置', state: '状态', signal: '信号',
    rate: '采样率 (实测)', hr: '心率', kept: '已保存到', age: '最新数据', accept: '接入', refuse: '拒绝', none: '无', linked: '已连接', cut: '已断开', off: '未配置', ok: '正常', full: '已满',
    low: '空间不足', backlog: '待上传', rtt: '往返时间', offset: '与县中心时差', unknown: '未知', used: '已用', free: '剩余', streams: '信号流', records: '记录', conflicts: '冲突',
    attached: '在线', detached: '离线', opening: '接入中', ending: '结束中', ago: '前', never: '尚无', lost: '本页与网关失去联系', updated: '更新于', samples: '样本', uptime: '运行', s: '秒', monitors: '监护仪 (HL7)', messages: '消息', values: '测量值', without_value: '其中无有效值', unknown_codes: '未知项目',
    turned_away: '被拒消息', clock_behind: '时钟落后', refused: '已拒绝' },
  en: { title: 'Xinwang gateway', demo: 'Demo data', waiting: 'Devices that wait', waiting_help: 'Accept only devices that you know. A refused device is cut off.', alarms: 'Technical alarms',
    link: 'Link to the county', spool: 'Spool', clock: 'Clock', devices: 'Devices', no_devices: 'No device yet. Enter address and port of this gateway at the device.', device: 'Device',
    bed: 'Place', state: 'State', signal: 'Signal', rate: 'Rate (measured)', hr: 'Heart rate', kept: 'Kept up to', age: 'Newest data', accept: 'Accept', refuse: 'Refuse', none: 'None',
    linked: 'Connected', cut: 'Cut', off: 'Not configured', ok: 'Good', full: 'Full', low: 'Low', backlog: 'To be sent', rtt: 'Round trip', offset: 'County minus gateway', unknown: 'unknown',
    used: 'Used', free: 'Free', streams: 'Streams', records: 'Records', conflicts: 'Conflicts', attached: 'Attached', detached: 'Away', opening: 'Opening', ending: 'Ending', ago: 'ago',
    never: 'none yet', lost: 'This page has lost the gateway', updated: 'Updated', samples: 'samples', uptime: 'Running', s: 's', monitors: 'Patient monitors (HL7)', messages: 'Messages', values: 'Values',
    without_value: 'Without a value', unknown_codes: 'Unknown items', turned_away: 'Refused', clock_behind: 'Clock behind by', refused: 'Refused' },
};
const token = document.querySelector('meta[name=xw-token]').content;
let lang = localStorage.getItem('xw-lang') === 'en' ? 'en' : 'zh';
let lastGood = 0;
const $ = (id) => document.getElementById(id);
const t = (key) => WORDS[lang][key] || key;

function el(name, text, className) {
  const e = document.createElement(name);
  if (text !== undefined) e.textContent = text;
  if (className) e.className = className;
  return e;
}
function words() {
  document.documentElement.lang = lang;
  document.title = t('title');
  for (const e of document.querySelectorAll('[data-t]')) e.textContent = t(e.dataset.t);
  $('lang').textContent = lang === 'zh' ? 'English' : '中文';
}
function list(id, pairs) {
  $(id).replaceChildren(...pairs.flatMap(([k, v]) => [el('dt', k), el('dd', v)]));
}
function big(id, text, good) {
  $(id).textContent = text;
  $(id).className = good ? 'big good' : 'big bad';
}
const bytes = (n) => (n >= 2 ** 30 ? (n / 2 ** 30).toFixed(1) + ' GiB' : (n / 2 ** 20).toFixed(1) + ' MiB');
const ms = (us) => (us / 1000).toFixed(1) + ' ms';

async function decide(id, what) {
  await fetch('/devices/' + encodeURIComponent(id) + '/' + what, { method: 'POST', headers: { 'X-Xinwang-Token': token } });
  await update();
}
function drawWaiting(waiting) {
  $('waiting-box').hidden = waiting.length === 0;
  $('waiting').replaceChildren(...waiting.map((w) => {
    const row = el('tr');
    const yes = el('button', t('accept'), 'primary');
    const no = el('button', t('refuse'));
    yes.onclick = () => decide(w.device, 'accept');
    no.onclick = () => decide(w.device, 'refuse');
    const cell = el('td');
    cell.append(yes, no);
    row.append(el('td', w.device), el('td', w.model), el('td', w.peer), cell);
    return row;
  }));
}
function drawDevices(devices) {
  $('no-devices').hidden = devices.length > 0;
  $('devices-table').hidden = devices.length === 0;
  $('devices').replaceChildren(...devices.flatMap((d) => d.streams.map((s, i) => {
    const row = el('tr');
    const away = d.state !== 'attached';
    const age = s.age_us === null ? t('never') : (s.age_us / 1e6).toFixed(1) + ' ' + t('s');
    row.append(el('td', i ? '' : d.device), el('td', i ? '' : d.bed), el('td', t(d.state), away ? 'stale' : 'good'), el('td', s.channels.join(' ')),
      el('td', s.rate_nominal_hz.toFixed(2) + ' (' + s.rate_hz.toFixed(3) + ') Hz'), el('td', s.rate_bpm ? Math.round(s.rate_bpm) + ' /min' : '–'),
      el('td', s.kept + ' / ' + s.newest), el('td', age, s.age_us !== null && s.age_us < 1.5e6 ? 'good' : 'stale'));
    return row;
  })));
}
function drawMonitors(monitors, port) {
  $('monitors-box').hidden = !port && monitors.length === 0;
  $('monitors').replaceChildren(...monitors.map((m) => {
    const row = el('tr');
    const age = m.heard_age_us === null ? t('never') : (m.heard_age_us / 1e6).toFixed(1) + ' ' + t('s');
    row.append(el('td', m.device), el('td', m.bed), el('td', t(m.state), m.state === 'attached' ? 'good' : 'stale'), el('td', m.messages), el('td', m.observations), el('td', m.absent),
      el('td', m.unknown), el('td', m.refused), el('td', m.clock_behind_us === null ? t('unknown') : (m.clock_behind_us / 1e6).toFixed(1) + ' ' + t('s')),
      el('td', age, m.heard_age_us !== null && m.heard_age_us < 1e7 ? 'good' : 'stale'));
    return row;
  }));
}
function draw(s) {
  $('who').textContent = s.gateway + (s.site ? ' · ' + s.site : '');
  $('demo').hidden = !s.demo;
  $('fresh').textContent = t('updated') + ' ' + new Date(s.wall_us / 1000).toLocaleTimeString();
  $('fresh').className = 'fresh';
  drawWaiting(s.waiting);
  drawDevices(s.devices);
  drawMonitors(s.monitors, s.monitor_port);
  $('alarms').replaceChildren(...(s.alarms.length ? s.alarms.map((a) => el('li', a.code + ' · ' + a.subject + ' · ' + a.text)) : [el('li', t('none'), 'none')]));
  big('link-state', s.link.configured ? t(s.link.linked ? 'linked' : 'cut') : t('off'), s.link.linked);
  list('link', [[t('rtt'), s.link.linked ? ms(s.link.rtt_us) : '–'], [t('backlog'), s.link.backlog_samples + ' ' + t('samples')], ['', s.link.text || '']]);
  big('spool-state', t(s.spool.full ? 'full' : s.alarms.some((a) => a.code === 'spool_low') ? 'low' : 'ok'), !s.spool.full);
  list('spool', [[t('used'), bytes(s.spool.bytes)], [t('free'), bytes(s.spool.free_bytes)], [t('streams'), s.spool.streams], [t('records'), s.spool.records], [t('conflicts'), s.spool.conflicts]]);
  big('clock-state', new Date(s.wall_us / 1000).toLocaleTimeString(), true);
  list('clock', [[t('offset'), s.link.offset_known ? ms(s.link.county_offset_us) + ' ± ' + ms(s.link.county_uncertainty_us) : t('unknown')],
    [t('uptime'), Math.round((s.wall_us - s.started_wall_us) / 1e6) + ' ' + t('s')]]);
}
async function update() {
  try {
    const answer = await fetch('/status.json', { cache: 'no-store' });
    if (!answer.ok) throw new Error(String(answer.status));
    draw(await answer.json());
    lastGood = performance.now();
  } catch {
    if (performance.now() - lastGood > 2000) {
      $('fresh').textContent = t('lost');
      $('fresh').className = 'fresh bad';
    }
  }
}
$('lang').onclick = () => {
  lang = lang === 'zh' ? 'en' : 'zh';
  localStorage.setItem('xw-lang', lang);
  words();
  update();
};
words();
update();
setInterval(update, 1000);

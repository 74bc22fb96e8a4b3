'use strict';
/* The status page: asks /status.json every second and draws it. No library, no inline script. */
const WORDS = {
  zh: { title: '心网网关', demo: '演示数据', waiting: '等待接入的设备', waiting_help: '只接入您认识的设备。拒绝后设备会被断开。', alarms: '技术报警', link: '县中心链路',
    spool: '本地存储', clock: '时钟', devices: '设备', no_devices: '还没有设备。请在设备上填写本网关的地址和端口。', device: '设备', bed: '位置', state: '状态', signal: '信号',
    rate: '采样率 (实测)', hr: '心率', kept: '已保存到', age: '最新数据', accept: '接入', refuse: '拒绝', none: '无', linked: '已连接', cut: '已断开', off: '未配置', ok: '正常', full: '已满',
    low: '空间不足', backlog: '待上传', rtt: '往返时间', offset: '与县中心时差', unknown: '未知', used: '已用', free: '剩余', streams: '信号流', records: '记录', conflicts: '冲突',
    path: '报警通路', proven: '已验证', unproven: '尚未验证', broken: '中断', unattended: '县里无人值守', proven_at: '上次验证', broken_at: '断在', input: '报警入口', store: '县中心存储', fanout: '县中心分发', screen: '报警屏', back: '回程', uplink: '上行链路',
    attached: '在线', detached: '离线', opening: '接入中', ending: '结束中', ago: '前', never: '尚无', lost: '本页与网关失去联系', updated: '更新于', samples: '样本', uptime: '运行', s: '秒', monitors: '监护仪 (HL7)', messages: '消息', values: '测量值', without_value: '其中无有效值', unknown_codes: '未知项目',
    turned_away: '被拒消息', clock_behind: '时钟落后', refused: '已拒绝',
    pictures: '超声图像', start: '开始', stop: '停止', idle: '未开始', starting: '正在打开', live: '有图像', no_signal: '无信号', failed: '打不开', recording: '正在录像', not_recording: '未录像',
    watched: '县中心正在看', yielded: '链路太窄，图像让位给心电', source: '信号源', sent: '发送', clips: '本地录像', unsent: '待上传', finishing: '整理中',
    enrol: '登记本网关', enrol_help: '向县中心要一个登记码（只能用一次）。登记后本网关立即开始工作。', enrol_county: '县中心地址', enrol_code: '登记码', enrol_do: '登记',
    enrol_was: '本机存有网关 {id} 的数据：请要一个给 {id} 的登记码。', enrol_again: '重新登记', enrol_again_help: '被吊销、证书过期或换了县中心时用：向县中心要一个给 {id} 的新登记码。编号、设备和没传完的数据都保留，采集不中断。', refused_by_county: '县中心不接受本网关的证书', distrusted: '那里回答的不是本网关登记过的县中心（县中心若换了证书机构，需重新登记）',
    enrol_asking: '正在登记…', enrol_waiting: '暂时连不上县中心，稍后自动再试', enrol_refused: '没有登记成功', certificate: '证书有效期至',
    why_mistyped: '登记码有一位输错了，请再看一遍', why_not_a_code: '登记码应为 17 位字母和数字（其中没有 U）', why_other_gateway: '这个登记码是给另一台网关的，没有用掉', why_address: '地址应为“主机”或“主机:端口”', why_unknown_code: '县中心没有这个登记码', why_used_code: '这个登记码已用过，请再要一个',
    why_expired_code: '登记码已过期，请再要一个', why_withdrawn_code: '登记码已被收回', why_id_taken: '这个编号已被另一台网关占用', why_too_many: '试得太多，请等一分钟', why_busy: '县中心正忙', why_storage: '县中心磁盘已满',
    why_network: '网络不通', why_tls: '对方不是县中心的登记端口', why_county: '对方不知道这个登记码：可能不是县中心，登记码没有发出去', why_answer: '对方的回答不可用', why_disk: '本机磁盘写不进去', why_bad_request: '县中心不接受这个请求',
    files: '心电文件', files_help: '读不出的文件在文件夹 quarantine 里，旁边有原因；修好后移回上一级文件夹会再读一次。', file: '文件', size: '大小', reason: '原因', since: '时间', files_taken: '已成检查', files_repeated: '重复', files_waiting: '等待中', files_broken: '已隔离', files_full: '隔离区已满：请清理', being_written: '还在写入',
    tech_link_lost: '与县中心没有连接', tech_spool_low: '本地存储将满', tech_spool_full: '本地存储已满', tech_device_fenced: '设备数据被隔离', tech_device_gone: '设备离线', tech_conflict: '数据冲突',
    tech_unreadable: '存储的数据读不出', tech_link_narrow: '链路过窄', tech_clock: '时钟异常', tech_alarm_path: '报警通路中断', tech_unattended: '报警无人值守', tech_rules: '规则表被拒收', tech_electrodes: '疑似导联接反' },
  en: { title: 'Xinwang gateway', demo: 'Demo data', waiting: 'Devices that wait', waiting_help: 'Accept only devices that you know. A refused device is cut off.', alarms: 'Technical alarms',
    link: 'Link to the county', spool: 'Spool', clock: 'Clock', devices: 'Devices', no_devices: 'No device yet. Enter address and port of this gateway at the device.', device: 'Device',
    bed: 'Place', state: 'State', signal: 'Signal', rate: 'Rate (measured)', hr: 'Heart rate', kept: 'Kept up to', age: 'Newest data', accept: 'Accept', refuse: 'Refuse', none: 'None',
    linked: 'Connected', cut: 'Cut', off: 'Not configured', ok: 'Good', full: 'Full', low: 'Low', backlog: 'To be sent', rtt: 'Round trip', offset: 'County minus gateway', unknown: 'unknown',
    path: 'Alarm path', proven: 'Proven', unproven: 'Not proven yet', broken: 'Broken', unattended: 'Nobody at the county', proven_at: 'Last proven', broken_at: 'Broken at', input: 'alarm input', store: 'county store', fanout: 'county fan-out', screen: 'alarm screen', back: 'way back', uplink: 'uplink',
    used: 'Used', free: 'Free', streams: 'Streams', records: 'Records', conflicts: 'Conflicts', attached: 'Attached', detached: 'Away', opening: 'Opening', ending: 'Ending', ago: 'ago',
    never: 'none yet', lost: 'This page has lost the gateway', updated: 'Updated', samples: 'samples', uptime: 'Running', s: 's', monitors: 'Patient monitors (HL7)', messages: 'Messages', values: 'Values',
    without_value: 'Without a value', unknown_codes: 'Unknown items', turned_away: 'Refused', clock_behind: 'Clock behind by', refused: 'Refused',
    pictures: 'Ultrasound pictures', start: 'Start', stop: 'Stop', idle: 'Not started', starting: 'Opening', live: 'Picture', no_signal: 'No signal', failed: 'Cannot be opened',
    recording: 'Recording', not_recording: 'Not recording', watched: 'The county is watching', yielded: 'Narrow link: pictures give way to ECG', source: 'Source', sent: 'Sent',
    clips: 'Recordings here', unsent: 'to be sent', finishing: 'being finished',
    enrol: 'Enrol this gateway', enrol_help: 'Ask the county for a code; it works once. The gateway starts at once when it is enrolled.', enrol_county: 'Address of the county', enrol_code: 'Code', enrol_do: 'Enrol',
    enrol_was: 'This machine holds data of gateway {id}: ask for a code for {id}.', enrol_again: 'Enrol anew', enrol_again_help: 'For when it was revoked, its certificate has expired, or the county is another: ask the county for a new code for {id}. Id, devices and unsent data stay; capture goes on.', refused_by_county: "The county does not take this gateway's certificate", distrusted: 'Whoever answers there is not the county that this gateway was enrolled at (if the county has a new authority: enrol anew)',
    enrol_asking: 'Enrolling …', enrol_waiting: 'The county cannot be reached; trying again', enrol_refused: 'Not enrolled', certificate: 'Certificate until',
    why_mistyped: 'One character of the code is wrong; look again', why_not_a_code: 'A code has 17 letters and digits (and no U)', why_other_gateway: 'This code is for another gateway; it was not used up', why_address: 'The address is HOST or HOST:PORT', why_unknown_code: 'The county knows no such code', why_used_code: 'This code was used already; ask for another',
    why_expired_code: 'This code has expired; ask for another', why_withdrawn_code: 'This code was withdrawn', why_id_taken: 'Another gateway has this name', why_too_many: 'Too many tries; wait a minute', why_busy: 'The county is busy', why_storage: "The county's disk is full",
    why_network: 'No way to the county', why_tls: 'This is not a port for enrolment', why_county: 'Whoever answers does not know the code: not the county. The code was not sent', why_answer: 'The answer is of no use', why_disk: 'This disk cannot be written', why_bad_request: 'The county does not take this request',
    files: 'ECG files', files_help: 'What cannot be read lies in the folder quarantine, with the reason beside it; moved back into the folder above it is read again.', file: 'File', size: 'Size', reason: 'Reason', since: 'Time', files_taken: 'became studies', files_repeated: 'repeated', files_waiting: 'waiting', files_broken: 'in quarantine', files_full: 'The quarantine is full: please clear it', being_written: 'being written',
    tech_link_lost: 'No connection to the county', tech_spool_low: 'Spool low', tech_spool_full: 'Spool full', tech_device_fenced: 'Device fenced off', tech_device_gone: 'Device gone', tech_conflict: 'Data conflict',
    tech_unreadable: 'Stored data unreadable', tech_link_narrow: 'Link too narrow', tech_clock: 'Clock fault', tech_alarm_path: 'Alarm path broken', tech_unattended: 'Alarms unattended', tech_rules: 'Rule list refused', tech_electrodes: 'Electrodes exchanged?' },
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
      el('td', s.rate_nominal_hz.toFixed(2) + ' (' + s.rate_hz.toFixed(3) + ') Hz'), el('td', (s.rate_bpm ? Math.round(s.rate_bpm) + ' /min' : '–') + (s.alarm ? ' · ' + s.alarm.code : ''), s.alarm ? 'bad' : ''),
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
function drawFiles(f) {
  $('files-box').hidden = !f;
  if (!f) return;
  $('files-state').textContent = f.dir + ' · ' + f.taken + ' ' + t('files_taken') + ' · ' + f.repeated + ' ' + t('files_repeated') + ' · ' + f.waiting_n + ' ' + t('files_waiting') + ' · ' + f.quarantine_n + ' ' + t('files_broken') + (f.quarantine_full ? ' · ' + t('files_full') : '') + (f.error ? ' · ' + f.error : '');
  $('files-state').className = f.error || f.quarantine_full ? 'bad' : '';
  $('files-help').hidden = f.quarantine_n === 0;
  const line = (state) => (one) => {
    const row = el('tr');
    row.append(el('td', one.name), el('td', bytes(one.bytes)), el('td', t(state), state === 'files_broken' ? 'bad' : 'stale'), el('td', one.text || t('being_written')), el('td', new Date(one.wall_us / 1000).toLocaleString()));
    return row;
  };
  $('files').replaceChildren(...f.waiting.map(line('files_waiting')), ...f.quarantine.map(line('files_broken')));
}
async function runPicture(id, what) {
  await fetch('/video/' + encodeURIComponent(id) + '/' + what, { method: 'POST', headers: { 'X-Xinwang-Token': token } });
  await update();
}
const clock = (us) => {
  const s = Math.max(0, Math.round(us / 1e6));
  return String(Math.floor(s / 60)).padStart(2, '0') + ':' + String(s % 60).padStart(2, '0');
};
function drawPictures(pictures, clips, now) {
  $('pictures-box').hidden = pictures.length === 0;
  // A button under the finger is not replaced: the boxes stay, their texts change.
  if ($('pictures').dataset.ids !== pictures.map((p) => p.id).join()) {
    $('pictures').dataset.ids = pictures.map((p) => p.id).join();
    $('pictures').replaceChildren(...pictures.map((p) => {
      const box = el('div', undefined, 'picture');
      const button = el('button');
      button.onclick = () => runPicture(p.id, button.dataset.what);
      box.append(el('h2', p.label + (p.bed ? ' · ' + p.bed : '')), el('p'), el('p'), el('p'), el('p'), button);
      return box;
    }));
  }
  pictures.forEach((p, i) => {
    const [, state, source, sent, clip, button] = $('pictures').children[i].children;
    state.textContent = t(p.state);
    state.className = p.state === 'live' ? 'big good' : p.state === 'idle' ? 'big stale' : 'big bad';
    source.textContent = p.text || (p.state === 'live' ? t('source') + ' ' + p.width + '×' + p.height + ' · ' + p.captured_fps.toFixed(1) + ' fps' : '');
    sent.textContent = p.yielded ? t('yielded') : p.watched ? t('watched') + ' · ' + t('sent') + ' ' + p.sent_fps.toFixed(1) + ' fps · ' + p.kbit_per_s + ' kbit/s' : '';
    clip.textContent = p.recording ? t('recording') + ' ' + clock(now - p.clip_since_wall_us) + ' · ' + bytes(p.clip_bytes) : t('not_recording');
    button.dataset.what = p.running ? 'stop' : 'start';
    button.textContent = t(p.running ? 'stop' : 'start');
    button.className = p.running ? '' : 'primary';
  });
  $('clips').textContent = t('clips') + ' ' + clips.kept + ' · ' + bytes(clips.kept_bytes) + ' · ' + t('unsent') + ' ' + clips.unsent + (clips.finishing ? ' · ' + t('finishing') + ' ' + clips.finishing : '');
}
let again = false; // somebody wants to enrol a gateway that is somebody already
// A keyboard for Chinese may type full-width letters and long dashes.
const narrow = (text) => text.normalize('NFKC').replace(/[\u2010-\u2015\u2212]/g, '-').replace(/\u3002/g, '.').trim();
function drawEnrolment(e, link) {
  const may = e.needed || e.possible;
  const shown = e.needed || (e.possible && (link.refused || again || e.state === 'asking' || e.state === 'waiting' || e.state === 'refused'));
  if (!may) again = false;
  $('enrol-box').hidden = !shown;
  $('rest').hidden = e.needed;
  $('enrol-again-box').hidden = e.needed || !e.possible || shown;
  if (!shown) return;
  $('enrol-title').textContent = e.needed ? t('enrol') : link.refused ? t('refused_by_county') : t('enrol_again');
  $('enrol-help').textContent = (e.needed ? t('enrol_help') + (e.was ? t('enrol_was') : '') : t('enrol_again_help')).replaceAll('{id}', e.was);
  const asking = e.state === 'asking';
  if (!$('enrol-county').value && e.county && document.activeElement !== $('enrol-county')) $('enrol-county').value = e.county;
  for (const field of $('enrol').elements) field.disabled = asking;
  const why = WORDS[lang]['why_' + e.word] || e.text;
  $('enrol-state').textContent = asking ? t('enrol_asking') : e.state === 'idle' ? '' : t('enrol_' + e.state) + (why ? '：' + why : '');
  $('enrol-state').className = e.state === 'refused' ? 'bad' : 'stale';
}
$('enrol').onsubmit = async (event) => {
  event.preventDefault();
  const body = JSON.stringify({ county: narrow($('enrol-county').value), code: narrow($('enrol-code').value) });
  await fetch('/enrol', { method: 'POST', headers: { 'X-Xinwang-Token': token }, body });
  await update();
};
$('enrol-again').onclick = () => {
  again = true;
  update();
};
function draw(s) {
  $('who').textContent = s.gateway + (s.site ? ' · ' + s.site : '');
  $('demo').hidden = !s.demo;
  $('fresh').textContent = t('updated') + ' ' + new Date(s.wall_us / 1000).toLocaleTimeString();
  $('fresh').className = 'fresh';
  drawEnrolment(s.enrolment, s.link);
  if (s.enrolment.needed) {
    lastGood = performance.now();
    return;
  }
  drawWaiting(s.waiting);
  drawDevices(s.devices);
  drawMonitors(s.monitors, s.monitor_port);
  drawPictures(s.pictures, s.clips, s.wall_us);
  drawFiles(s.imports);
  $('alarms').replaceChildren(...(s.alarms.length ? s.alarms.map((a) => el('li', (WORDS[lang]['tech_' + a.code] || a.code) + ' · ' + a.subject + ' · ' + a.text)) : [el('li', t('none'), 'none')]));
  big('link-state', s.link.configured ? t(s.link.linked ? 'linked' : 'cut') : t('off'), s.link.linked);
  list('link', [[t('rtt'), s.link.linked ? ms(s.link.rtt_us) : '–'], [t('backlog'), s.link.backlog_samples + ' ' + t('samples')],
    ...(s.link.certificate_until_wall_us ? [[t('certificate'), new Date(s.link.certificate_until_wall_us / 1000).toLocaleDateString()]] : []), ['', s.link.refused ? t('refused_by_county') : s.link.distrusted ? t('distrusted') : ''], ['', s.link.text || '']].filter(([k, v]) => k || v));
  big('spool-state', t(s.spool.full ? 'full' : s.alarms.some((a) => a.code === 'spool_low') ? 'low' : 'ok'), !s.spool.full);
  list('spool', [[t('used'), bytes(s.spool.bytes)], [t('free'), bytes(s.spool.free_bytes)], [t('streams'), s.spool.streams], [t('records'), s.spool.records], [t('conflicts'), s.spool.conflicts]]);
  const p = s.alarm_path;
  big('path-state', s.link.configured ? t(p.state) : t('off'), p.state === 'proven');
  list('path', [[t('proven_at'), p.proven_wall_us === null ? t('never') : new Date(p.proven_wall_us / 1000).toLocaleTimeString()], ...(p.leg ? [[t('broken_at'), t(p.leg)]] : []),
    ...(p.proven_wall_us === null ? [] : Object.entries(p.legs_us).map(([leg, us]) => [t(leg), us === null ? t('unknown') : ms(us)]))]);
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

// Words of what the machine found and of the values behind it; part of the one vocabulary.

export const findingWords = {
  'finding.title': ['机器发现（最近 10 分钟）', 'Machine findings (last 10 min)'],
  'finding.none': ['没有', 'none'],
  'finding.of': ['{t} 起 {n} 秒', '{t}, {n} s'],
  'finding.open': ['{t} 起，持续中', 'since {t}, going on'],
  'finding.later': ['复核后改判', 'revised later'],
  'alarm.denied': ['脉搏波否决了报警', 'Alarm denied by the pulse wave'],
  'value.rr_alike': ['相似 RR 所占比例', 'Share of alike RR'],
  'value.rr_difference': ['相邻 RR 平均差', 'Mean difference of RR'],
  'value.rr_pattern': ['RR 规律性', 'Pattern of RR'],
  'value.af_score': ['房颤评分', 'AF score'],
  'value.pulses': ['脉搏数', 'Pulses'],
  'value.pulse_rate': ['脉率', 'Pulse rate'],
  'value.pulse_uneven': ['脉搏间期不齐', 'Unevenness of pulses'],
  'value.pulse_gap': ['最长无脉搏时间', 'Longest time without a pulse'],
  'value.pulse_size': ['最小脉搏（相对平常）', 'Smallest pulse, of the usual'],
  'value.wave_peak': ['心房波与其他频率之比', 'Atrial wave over other frequencies'],
  'value.wave_lock': ['QRS 与心房波锁定程度', 'Lock of QRS to the wave'],
  'value.wave': ['第几路脉搏波', 'Which wave'],
} as const satisfies Record<string, readonly [string, string]>;

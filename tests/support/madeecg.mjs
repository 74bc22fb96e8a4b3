// A 12-lead ECG of invented beats as an HL7 aECG file, and its counts.
const gauss = (t, at, width) => Math.exp(-(((t - at) / width) ** 2));
const shape = (t) => 1000 * gauss(t, 0.3, 0.012) - 250 * gauss(t, 0.33, 0.012) + 100 * gauss(t, 0.14, 0.03) + 250 * gauss(t, 0.58, 0.05);
const NAMES = ['I', 'II', 'III', 'AVR', 'AVL', 'AVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6'];
const GAINS = [0.6, 1, 0.4, -0.8, 0.1, 0.7, -0.5, -0.2, 0.5, 1.2, 1.1, 0.9];
export const LEADS = ['I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6'];

// hr: another one makes another file. Counts of 2.5 uV, 500 Hz, 10 s. time: YYYYMMDDhhmmss, '' for none.
export function madeEcg({ hr = 75, time = '20240309140506', id = 'T-0042', family = '张', given = '三' } = {}) {
  const digits = GAINS.map((gain) => Array.from({ length: 5000 }, (_, i) => Math.round((gain * shape((i / 500) % (60 / hr))) / 2.5)));
  const lead = (c) =>
    `<component><sequence><code code="MDC_ECG_LEAD_${NAMES[c]}" codeSystem="2.16.840.1.113883.6.24"/><value xsi:type="SLIST_PQ"><origin value="0" unit="uV"/><scale value="2.5" unit="uV"/><digits>${digits[c].join(' ')}</digits></value></sequence></component>`;
  const when = time ? `<effectiveTime><low value="${time}"/></effectiveTime>` : '';
  const axis = time
    ? `<code code="TIME_ABSOLUTE"/><value xsi:type="GLIST_TS"><head value="${time}.000"/><increment value="0.002" unit="s"/></value>`
    : '<code code="TIME_RELATIVE"/><value xsi:type="GLIST_PQ"><head value="0" unit="s"/><increment value="0.002" unit="s"/></value>';
  const text = `<?xml version="1.0"?><AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><componentOf><timepointEvent><componentOf><subjectAssignment><subject><trialSubject><id extension="${id}"/><subjectDemographicPerson><name><family>${family}</family><given>${given}</given></name><administrativeGenderCode code="F"/><birthTime value="19610228"/></subjectDemographicPerson></trialSubject></subject></subjectAssignment></componentOf></timepointEvent></componentOf><component><series><code code="RHYTHM"/>${when}<component><sequenceSet><component><sequence>${axis}</sequence></component>${NAMES.map((_, c) => lead(c)).join('')}</sequenceSet></component></series></component></AnnotatedECG>`;
  return { text, digits };
}

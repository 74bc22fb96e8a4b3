// The county's rule list: a table by name, edited in place; history; where it is in force.

import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api, ApiError, type JsonRuleItem, type JsonRuleList, type JsonRules } from '../api';
import { dateText } from '../base/clock';
import { t, tWord } from '../i18n/t';
import type { Key } from '../i18n/words';
import { live, statusVersion } from '../live/client';
import { refusalText, ruleFieldName } from '../live/refusal';
import { keyOf, newestRules, rulesDiff, rulesState, rulesText, sameValue, valueGood } from '../live/rules';
import { me } from '../state';
import { Dialog, errorText, Failed, Loading, useFetch } from '../ui';
import { merged } from './gatewaycard';
import { listInForce } from './rulesin';

type Values = Record<string, string>;
const CONFIRM = new Set(['confirm_s', 'beats', 'strange_beats', 'sustained_s', 'blocked', 'certainty', 'repeats']);
const CHECK_MS = 400;

const asError = (e: unknown): ApiError => (e instanceof ApiError ? e : new ApiError('internal', 0, String(e)));
const ruleName = (section: string): string => tWord('rule', section);

// A version that the county made by itself, since a gateway came with a higher number.
const whoText = (l: JsonRuleList): string => (l.author === '(county)' ? t('rules.by.county') : l.author);
function whyText(l: JsonRuleList): string {
  const ahead = l.author === '(county)' ? /^gateway-ahead (\d+)$/.exec(l.reason) : null;
  return ahead ? t('rules.why.ahead', { n: ahead[1] ?? '' }) : l.reason;
}

const fieldName = (i: JsonRuleItem): string => ruleFieldName(i.section, i.name);

function unitOf(i: JsonRuleItem): string {
  if (i.name.endsWith('_bpm')) return t('unit.bpm');
  if (i.name.endsWith('_s')) return t('unit.s');
  if (i.name.endsWith('_uv')) return t('unit.uv');
  if (i.name === 'blocked') return t('unit.waves');
  if (i.name === 'repeats') return t('unit.times');
  return i.name.endsWith('beats') ? t('unit.beats') : '';
}

function valueText(i: JsonRuleItem, value: string): string {
  if (i.type === 'priority') return tWord('priority', value);
  const unit = unitOf(i);
  return unit ? `${value} ${unit}` : value;
}

const changeText = (d: { item: JsonRuleItem; from: string; to: string }): string =>
  `${ruleName(d.item.section)} ${fieldName(d.item)} ${valueText(d.item, d.from)} → ${valueText(d.item, d.to)}`;

export const versionText = (n: number): string => (n ? t('rules.version', { n }) : t('rules.version.none'));

interface Editing {
  values: Values; // all of them, with the edits
  may: boolean;
  mistake: string | null; // key of the field that the county does not take
  onChange: (key: string, value: string) => void;
}

function Field(props: { item: JsonRuleItem; e: Editing }): JSX.Element {
  const { item, e } = props;
  const key = keyOf(item);
  const value = e.values[key] ?? item.value;
  const good = valueGood(item, value) && e.mistake !== key;
  const changed = !sameValue(item, value, item.value);
  const range = `${item.min} ~ ${item.max}`;
  if (!e.may) return <span class="rule-field"><i>{fieldName(item)}</i> <b>{valueText(item, value)}</b></span>;
  return (
    <label class={`rule-field ${changed ? 'changed' : ''}`} title={`${item.means} · ${range}`}>
      <i>{fieldName(item)}</i>
      <input type="text" inputMode="decimal" size={5} maxLength={12} value={value} data-rule={key} aria-invalid={!good} autocomplete="off"
        aria-label={`${ruleName(item.section)} ${fieldName(item)} ${unitOf(item)}, ${t('rules.range', { min: item.min ?? '', max: item.max ?? '' })}`}
        onInput={(ev) => e.onChange(key, ev.currentTarget.value.trim())} />
      <span class="unit">{unitOf(item)}</span>
      <small>{good ? range : t(item.type === 'whole' ? 'rules.bad.whole' : 'rules.bad', { min: item.min ?? '', max: item.max ?? '' })}</small>
    </label>
  );
}

function PriorityCell(props: { item: JsonRuleItem | undefined; e: Editing }): JSX.Element {
  const { item, e } = props;
  if (!item) return <span class="muted">–</span>;
  const key = keyOf(item);
  const value = e.values[key] ?? item.value;
  const allowed = item.allowed ?? [];
  if (!e.may || allowed.length < 2) return <span title={allowed.length < 2 ? t('rules.fixed') : ''}>{tWord('priority', value)}{e.may && <small class="muted"> {t('rules.only')}</small>}</span>;
  return (
    <select class={value === item.value ? '' : 'changed'} value={value} data-rule={key} aria-label={`${ruleName(item.section)} ${t('rules.priority')}`}
      onChange={(ev) => e.onChange(key, ev.currentTarget.value)}>
      {allowed.map((p) => <option key={p} value={p}>{tWord('priority', p)}</option>)}
    </select>
  );
}

// To the version in force, and to the defaults.
function Differences(props: { items: JsonRuleItem[]; values: Values }): JSX.Element {
  return (
    <>
      {props.items.map((i) => {
        const value = props.values[keyOf(i)] ?? i.value;
        const now = sameValue(i, value, i.value);
        if (now && sameValue(i, value, i.default)) return null;
        const what = [now ? '' : t('rules.was', { v: valueText(i, i.value) }), sameValue(i, value, i.default) ? '' : t('rules.default', { v: valueText(i, i.default) })].filter(Boolean).join(' · ');
        return (
          <span key={i.name} class={`rule-diff ${now ? '' : 'changed'}`} data-diff={keyOf(i)}>
            {props.items.length > 1 ? t('rules.named', { name: fieldName(i), what }) : what}
          </span>
        );
      })}
    </>
  );
}

function Table(props: { items: JsonRuleItem[]; e: Editing }): JSX.Element {
  const sections = [...new Set(props.items.map((i) => i.section))];
  return (
    <table class="data rules">
      <thead><tr><th>{t('rules.rule')}</th><th>{t('rules.priority')}</th><th>{t('rules.limit')}</th><th>{t('rules.confirm')}</th><th>{t('rules.diff')}</th></tr></thead>
      <tbody>
        {sections.map((section) => {
          const items = props.items.filter((i) => i.section === section);
          const numbers = items.filter((i) => i.type !== 'priority');
          const fields = (confirm: boolean): JSX.Element[] => numbers.filter((i) => CONFIRM.has(i.name) === confirm).map((i) => <Field key={i.name} item={i} e={props.e} />);
          return (
            <tr key={section} data-section={section}>
              <th scope="row">{ruleName(section)}</th>
              <td><PriorityCell item={items.find((i) => i.type === 'priority')} e={props.e} /></td>
              <td><div class="rule-fields">{fields(false)}</div></td>
              <td><div class="rule-fields">{fields(true)}</div></td>
              <td><Differences items={items} values={props.e.values} /></td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function History(props: { items: JsonRuleItem[]; newest: JsonRuleList; may: boolean; onBack: (version: number) => void }): JSX.Element {
  const [lists, setLists] = useState<JsonRuleList[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const load = (before: string | null): void => {
    api.rulesHistory(before)
      .then((h) => {
        setLists((old) => (before === null ? h.lists : [...(old ?? []), ...h.lists]));
        setNext(h.next);
        setError(null);
      })
      .catch((e: unknown) => setError(asError(e)));
  };
  useEffect(() => load(null), [props.newest.version]);
  const defaults: Values = Object.fromEntries(props.items.map((i) => [keyOf(i), i.default]));
  // The last one of a page has nothing beside it until the next page is there.
  const before = (l: JsonRuleList, i: number): Values | null => lists?.[i + 1]?.values ?? (l.based_on === 0 ? defaults : null);
  return (
    <section>
      <h2>{t('rules.history')}</h2>
      {error && <Failed what={t('rules.history')} error={error} retry={() => load(null)} />}
      {lists && lists.length === 0 && <p class="muted">{t('rules.history.none')}</p>}
      {lists && lists.length > 0 && (
        <table class="data rules-history">
          <thead><tr><th></th><th>{t('rules.history.when')}</th><th>{t('rules.history.who')}</th><th>{t('rules.history.why')}</th><th>{t('rules.history.what')}</th>{props.may && <th></th>}</tr></thead>
          <tbody>
            {lists.map((l, i) => {
              const older = before(l, i);
              const diff = older ? rulesDiff(props.items, older, l.values) : [];
              return (
                <tr key={`${l.version}-${l.wall_us}`} data-version={l.version}>
                  <td><b>{versionText(l.version)}</b></td>
                  <td>{dateText(l.wall_us ?? 0)}</td>
                  <td>{whoText(l)}</td>
                  <td>{whyText(l)}</td>
                  <td>
                    {l.back_to !== null && <div>{t('rules.history.back', { n: l.back_to })}</div>}
                    {older && diff.length === 0 ? <span class="muted">{t('rules.history.same')}</span> : diff.map((d) => <div key={keyOf(d.item)}>{changeText(d)}</div>)}
                  </td>
                  {props.may && <td>{l.version !== props.newest.version && <button class="button" data-back={l.version} onClick={() => props.onBack(l.version)}>{t('rules.back')}</button>}</td>}
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
      {next && <button class="button" onClick={() => load(next)}>{t('rules.history.more')}</button>}
    </section>
  );
}

function Lights(props: { newest: JsonRuleList }): JSX.Element | null {
  void statusVersion.value;
  const { value } = useFetch(() => api.gateways(), [props.newest.version], 5000);
  if (!value) return null;
  return (
    <section>
      <h2>{t('rules.gateways')}</h2>
      <ul class="rule-lights">
        {value.filter((g) => !g.revoked_wall_us).map(merged).map((g) => {
          const state = rulesState(g, props.newest, live.clock.wallUs());
          const good = state === 'good' || state === 'program';
          const bad = state === 'late' || state === 'refused' || state === 'ahead';
          return (
            <li key={g.id} data-gateway={g.id} data-rules={state} class={bad ? 'bad' : ''}>
              <b>{g.site || g.id}</b>
              <span class={`lamp ${good ? 'on' : bad ? 'wait' : ''}`}>{good ? '●' : bad ? '▲' : '○'} {t(`rules.in.${state}` as Key)}</span>
              <small>{listInForce(g)}{state === 'refused' ? ` · ${refusalText(g.rules?.refused ?? '')}` : state === 'ahead' ? ` · ${t('rules.in.ahead.why')}` : ''}</small>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function BackDialog(props: { version: number; newest: number; onClose: () => void; onDone: (l: JsonRuleList) => void; onFailed: (e: ApiError) => void }): JSX.Element {
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const submit = (ev: Event): void => {
    ev.preventDefault();
    setBusy(true);
    api.rulesBack(props.version, props.newest, reason.trim())
      .then(props.onDone)
      .catch((e: unknown) => {
        const err = asError(e);
        if (err.code === 'conflict') props.onFailed(err);
        else setError(err);
      })
      .finally(() => setBusy(false));
  };
  return (
    <Dialog title={t('rules.back.title', { n: props.version })} onClose={props.onClose}>
      <form class="rules-save" onSubmit={submit}>
        <p>{t('rules.back.why', { n: props.version })}</p>
        <label>{t('rules.reason')} <input type="text" maxLength={160} required value={reason} data-back-reason onInput={(e) => setReason(e.currentTarget.value)} /></label>
        {error && <p class="inline-error" role="alert">{t('rules.named', { name: t('rules.failed'), what: errorText(error) })}</p>}
        <button class="button primary" disabled={busy || !reason.trim()}>{t(busy ? 'rules.saving' : 'rules.back')}</button>
      </form>
    </Dialog>
  );
}

function Editor(props: { rules: JsonRules; onSaved: (l: JsonRuleList) => void; again: () => void }): JSX.Element {
  const { items, list } = props.rules;
  const may = me.value?.role === 'admin';
  const [edits, setEdits] = useState<Values>({});
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState<{ bad: boolean; text: string } | null>(null);
  const [mistake, setMistake] = useState<{ field: string | null; text: string } | null>(null);
  const [back, setBack] = useState<number | null>(null);
  const values: Values = { ...Object.fromEntries(items.map((i) => [keyOf(i), i.value])), ...edits };
  const changes = rulesDiff(items, Object.fromEntries(items.map((i) => [keyOf(i), i.value])), values);
  const right = items.every((i) => valueGood(i, values[keyOf(i)] ?? ''));
  const text = rulesText(items, values);
  // How values go together is known to the county alone.
  useEffect(() => {
    setMistake(null);
    if (!may || !right || changes.length === 0) return;
    let gone = false;
    const timer = setTimeout(() => {
      api.rulesCheck(text).then((r) => { if (!gone) setMistake(r.ok ? null : { field: r.field ?? null, text: r.text ?? '' }); }).catch(() => {});
    }, CHECK_MS);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [text, right, may]);
  const change = (key: string, value: string): void => {
    setSaid(null);
    setEdits((old) => ({ ...old, [key]: value }));
  };
  const done = (l: JsonRuleList): void => {
    setEdits({});
    setReason('');
    setBack(null);
    setSaid({ bad: false, text: t('rules.saved', { n: l.version }) });
    props.onSaved(l);
  };
  const failed = (err: ApiError): void => {
    setBack(null);
    const newer = err.details['list'] as JsonRuleList | undefined;
    if (err.code === 'conflict' && newer) {
      setSaid({ bad: true, text: t('rules.conflict', { who: whoText(newer), t: dateText(newer.wall_us ?? 0), n: newer.version, why: whyText(newer) }) });
      props.again();
    } else {
      setSaid({ bad: true, text: err.code === 'bad_request' ? t('rules.mistake', { text: refusalText(err.message) }) : t('rules.named', { name: t('rules.failed'), what: errorText(err) }) });
    }
  };
  const save = (ev: Event): void => {
    ev.preventDefault();
    if (busy) return;
    setBusy(true);
    api.rulesSave(text, list.version, reason.trim()).then(done).catch((e: unknown) => failed(asError(e))).finally(() => setBusy(false));
  };
  return (
    <>
      <p class="rules-now" data-version={list.version}>
        <b>{versionText(list.version)}</b>
        {list.wall_us !== null && <span>{t('rules.by', { who: whoText(list), t: dateText(list.wall_us) })} · {whyText(list)}</span>}
        <small class="mono" title={list.hash}>SHA-256 {list.hash.slice(0, 8)}</small>
      </p>
      <Lights newest={list} />
      <Table items={items} e={{ values, may, mistake: mistake?.field ?? null, onChange: change }} />
      {said && <p class={said.bad ? 'inline-error' : 'rules-said'} role={said.bad ? 'alert' : 'status'}>{said.text}</p>}
      {may && (
        <form class="rules-save rules-bar" onSubmit={save} data-changes={changes.length}>
          <b>{changes.length ? t('rules.changed', { n: changes.length }) : t('rules.changed.none')}</b>
          <span class="rules-what" title={changes.map(changeText).join('\n')}>{mistake ? <span class="rules-wrong" role="alert">{t('rules.mistake', { text: refusalText(mistake.text) })}</span> : changes.map(changeText).join(t('rules.join'))}</span>
          <label>{t('rules.reason')} <input type="text" maxLength={160} value={reason} placeholder={t('rules.reason.hint')} data-reason onInput={(e) => setReason(e.currentTarget.value)} /></label>
          <button type="button" class="button" disabled={changes.length === 0 || busy} onClick={() => { setEdits({}); setSaid(null); }}>{t('rules.discard')}</button>
          <button class="button primary" data-save disabled={busy || changes.length === 0 || !right || !!mistake || !reason.trim()}>{t(busy ? 'rules.saving' : 'rules.save')}</button>
        </form>
      )}
      <History items={items} newest={list} may={may} onBack={setBack} />
      {back !== null && <BackDialog version={back} newest={list.version} onClose={() => setBack(null)} onDone={done} onFailed={failed} />}
    </>
  );
}

export function RulesPage(): JSX.Element {
  const { value, error, again } = useFetch(() => api.rules(), [], 30_000);
  useEffect(() => {
    if (value) newestRules.value = value.list;
  }, [value]);
  return (
    <div class="page rules-page">
      <h1>{t('rules.title')}</h1>
      <p class="muted">{t('rules.why')}</p>
      {value ? <Editor rules={value} onSaved={again} again={again} /> : error ? <Failed what={t('rules.title')} error={error} retry={again} /> : <Loading />}
    </div>
  );
}

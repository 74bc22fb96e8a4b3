// Which rule list a gateway has, in words.

import type { JsonGateway } from '../api';
import { t } from '../i18n/t';

// The list that a gateway says is in force.
export function listInForce(g: JsonGateway): string {
  const r = g.rules;
  return r ? t(`rules.in.list.${r.from}`, { n: r.version }) : '–';
}


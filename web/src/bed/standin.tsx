import type { JSX } from 'preact';
import type { CursorSignal } from './cursor';
export function CtgPanel(_p: { streamId: string; cursor: CursorSignal; height: number }): JSX.Element { return <div />; }
export function VitalsLine(_p: { attachmentIds: string[]; cursor: CursorSignal }): JSX.Element { return <div />; }

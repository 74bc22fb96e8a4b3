// Colours of the paper. Alarm colours are for alarms alone.

export const FONT = '"Noto Sans SC","PingFang SC","Microsoft YaHei","WenQuanYi Micro Hei",sans-serif';

export type ThemeName = 'paper' | 'night';

export interface PaperColours {
  ground: string;
  minor: string;
  major: string;
  trace: string;
  stale: string;
  text: string;
  dim: string;
  hatch: string;
  hatchGround: string;
  lost: string;
  lostGround: string;
  mark: string; // watermark of demonstration data
  lit: string; // behind beats that a finding rests on
  technical: string;
}

export const COLOURS: Record<ThemeName, PaperColours> = {
  paper: {
    ground: '#FFFFFF', minor: '#F5D6D3', major: '#E5A29C', trace: '#111111', stale: '#9AA1AB',
    text: '#16181D', dim: '#5B6472', hatch: '#7A8699', hatchGround: '#EEF1F6', lost: '#5B6472',
    lostGround: '#FFFFFF', mark: 'rgba(31,95,191,0.13)', lit: 'rgba(31,95,191,0.22)', technical: '#087C86',
  },
  night: {
    ground: '#0E1116', minor: '#161D26', major: '#263140', trace: '#E8F1E4', stale: '#5F6B78',
    text: '#E6EAF0', dim: '#9AA6B5', hatch: '#62748C', hatchGround: '#171D26', lost: '#9AA6B5',
    lostGround: '#0E1116', mark: 'rgba(140,180,255,0.13)', lit: 'rgba(110,160,255,0.3)', technical: '#2EC4D1',
  },
};

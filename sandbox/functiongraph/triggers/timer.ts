/** The event of a timer trigger (FunctionGraph user guide, "Using a Timer Trigger"). The platform's times carry an offset. */
export interface TimerEvent {
  readonly version: 'v1.0';
  readonly time: string;
  readonly trigger_type: 'TIMER';
  readonly trigger_name: string;
  readonly user_event: string;
}

const OFFSET_HOURS = 1;

export function timerEvent(now: number, name: string, userEvent: string): TimerEvent {
  const local = new Date(now + OFFSET_HOURS * 3600_000).toISOString().slice(0, 19);
  return { version: 'v1.0', time: `${local}+0${OFFSET_HOURS}:00`, trigger_type: 'TIMER', trigger_name: name, user_event: userEvent };
}

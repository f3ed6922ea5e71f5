import type { Language } from '../../src/build/languages/index.ts'

/** Functions whose `bad` messages come again and whose stream stops at the first `bad` record; the schedule `fail` fails. */
export const BATCHES: Readonly<Record<Language, string>> = {
  c: `#define AMPOULE_IMPLEMENTATION
#include "ampoule.h"
void ampoule_handle(const amp_event *event, amp_writer *out) {
  if (event->type == AMP_SCHEDULED) {
    if (amp_equals(event->name, "fail") && event->time_ms == 1500) amp_fail(out, "Told", "to fail");
    else amp_done(out);
    return;
  }
  amp_item item;
  uint32_t bad = 0;
  for (amp_reader at = amp_items(event); amp_next(&at, &item);) bad += amp_equals(item.body, "bad");
  amp_write_map(out, 1);
  amp_write_string(out, "failures");
  amp_write_array(out, bad);
  for (amp_reader at = amp_items(event); amp_next(&at, &item);) {
    if (!amp_equals(item.body, "bad")) continue;
    amp_write_map(out, 1);
    amp_write_string(out, "id");
    amp_write_slice(out, item.id);
  }
}`,
  rust: `use ampoule::{Context, Error, Failure, Function, QueueBatch, Scheduled, StreamBatch};
struct Batches;
impl Function for Batches {
    fn queue(batch: QueueBatch, _: &Context) -> Result<Vec<Failure>, Error> {
        Ok(batch.messages.iter().filter(|m| m.text() == "bad" && m.attempts == 2).map(|m| Failure::of(&m.id)).collect())
    }
    fn stream(batch: StreamBatch, _: &Context) -> Result<Vec<Failure>, Error> {
        Ok(batch.records.iter().filter(|r| r.data == b"bad" && r.key == "k").map(|r| Failure::of(&r.id)).collect())
    }
    fn scheduled(event: Scheduled, _: &Context) -> Result<(), Error> {
        if event.schedule == "fail" && event.time_ms == 1500.0 { Err(Error::new("Told", "to fail")) } else { Ok(()) }
    }
}
ampoule::export!(Batches);`,
  go: `package main
import "function/ampoule"
func init() {
	ampoule.Queue(func(batch *ampoule.QueueBatch, _ *ampoule.Context) (failures []ampoule.Failure, err error) {
		for _, m := range batch.Messages {
			if string(m.Body) == "bad" && m.Attempts == 2 { failures = append(failures, ampoule.Failure{ID: m.ID}) }
		}
		return
	})
	ampoule.Stream(func(batch *ampoule.StreamBatch, _ *ampoule.Context) (failures []ampoule.Failure, err error) {
		for _, r := range batch.Records {
			if string(r.Data) == "bad" && r.Key == "k" { failures = append(failures, ampoule.Failure{ID: r.ID}) }
		}
		return
	})
	ampoule.Scheduled(func(tick *ampoule.Tick, _ *ampoule.Context) error {
		if tick.Schedule == "fail" && tick.Time.UnixMilli() == 1500 { return &ampoule.Error{Name: "Told", Message: "to fail"} }
		return nil
	})
}
func main() {}`,
  python: `class Told(Exception): pass
def queue(batch, context):
    return [m.id for m in batch.messages if m.body == "bad" and m.attempts == 2]
def stream(batch, context):
    return [r.id for r in batch.records if r.data == b"bad" and r.key == "k"]
def scheduled(event, context):
    if event.schedule == "fail" and event.time_ms == 1500: raise Told("to fail")
`,
  assemblyscript: `import { Context, fail, failures, Value } from './ampoule'
function bad(items: Value[], key: string): Value {
  const ids = new Array<string>()
  for (let i = 0; i < items.length; i++) {
    const body = items[i].get(key)
    const text = body.bytes.length > 0 ? String.UTF8.decode(body.bytes.buffer) : body.text
    if (text == 'bad') ids.push(items[i].get('id').text)
  }
  return failures(ids)
}
export function queue(batch: Value, context: Context): Value { return bad(batch.get('messages').items, 'body') }
export function stream(batch: Value, context: Context): Value { return bad(batch.get('records').items, 'data') }
export function scheduled(event: Value, context: Context): Value {
  if (event.get('schedule').text == 'fail' && event.get('time').number == 1500) fail('Told', 'to fail')
  return Value.map()
}`,
}

//! What only the making of a base does with a slot: boot, training, freeze; and what is said of it.

use switchyard_js::abi::{INBOX_BYTES, Reader, Writer, event, op, status};

use super::{Result, Slot};

impl Slot {
    /// The same without yielding; for the base, which nobody waits beside.
    pub fn event_now(&mut self, kind: i32, id: i32, status: i32, values: &[u8]) -> Result<i32> {
        let ptr = self.put_now(values).map_err(|error| self.explain(&error))?;
        let arguments = (kind, id, status, ptr as i32, values.len() as i32);
        self.calls.event.call(&mut self.store, arguments).map_err(|error| self.explain(&error))
    }

    /// Engine start and the platform's evaluation, for the base only.
    pub fn boot(&mut self) -> Result<()> {
        self.short("_initialize", None).map_err(|error| format!("{error:#}"))?;
        let init = self.calls.instance.get_typed_func::<(), i32>(&mut self.store, "sy_init");
        let code = init.and_then(|init| init.call(&mut self.store, ())).map_err(|error| self.explain(&error))?;
        if code != 0 {
            return Err(format!("sy_init said {code}"));
        }
        let name = switchyard_js::PLATFORM_MAIN.as_bytes();
        let ptr = self.put_now(name).map_err(|error| self.explain(&error))?;
        let boot = self.calls.instance.get_typed_func::<(i32, i32), i32>(&mut self.store, "sy_boot");
        let code = boot
            .and_then(|boot| boot.call(&mut self.store, (ptr as i32, name.len() as i32)))
            .map_err(|error| self.explain(&error))?;
        let said = self.store.data_mut().take_ops().iter().map(|op| texts(&op.values)).collect::<Vec<_>>().join("; ");
        if code == 0 { Ok(()) } else { Err(format!("sy_boot said {code}: {said}")) }
    }

    /// Completes what a training request started, so that it comes to an end.
    pub fn drain_training(&mut self, may_throw: bool) -> Result<()> {
        for _ in 0..1_000 {
            let ops = self.store.data_mut().take_ops();
            if ops.is_empty() {
                return Ok(());
            }
            for started in ops {
                let mut values = Vec::new();
                match started.kind {
                    op::FETCH => {
                        let mut write = Writer::new(&mut values);
                        write.int(200).text("OK").text("content-type\ntext/plain").text("http://train.localhost/");
                        write.bool(false).int(-1).null();
                    }
                    op::THROW if !may_throw => return Err(texts(&started.values)),
                    op::READ => {
                        let stream = Reader::new(&started.values).int().unwrap_or(-1);
                        let status = match crate::host::small_body(self.store.data_mut(), stream) {
                            Some(bytes) => {
                                Writer::new(&mut values).bytes(&bytes);
                                status::OK
                            }
                            None => status::END,
                        };
                        self.event_now(event::COMPLETE, started.id, status, &values)?;
                        continue;
                    }
                    op::TIMER | op::WRITE => {}
                    _ => continue,
                }
                self.event_now(event::COMPLETE, started.id, 0, &values)?;
            }
        }
        Err("training does not come to an end".into())
    }

    /// Collects, then freezes with that much room before the memory must grow.
    pub fn freeze(&mut self, slack: i32) -> Result<()> {
        self.short("sy_gc", None)
            .and_then(|()| self.short("sy_freeze", Some(slack)))
            .map_err(|error| self.explain(&error))?;
        let inbox = self.inbox as usize;
        self.memory.data_mut(&mut self.store)[inbox..inbox + INBOX_BYTES].fill(0);
        Ok(())
    }

    fn explain(&self, error: &wasmtime::Error) -> String {
        format!("{error:#} {}", self.store.data().stderr)
    }

    /// The same for the base, whose messages are short.
    fn put_now(&mut self, message: &[u8]) -> wasmtime::Result<u32> {
        if message.len() > INBOX_BYTES {
            return Err(wasmtime::Error::msg("a message is longer than the inbox"));
        }
        self.memory.write(&mut self.store, self.inbox as usize, message)?;
        Ok(self.inbox)
    }
}

/// The texts of a message, for a person.
fn texts(values: &[u8]) -> String {
    let texts = Reader::new(values).filter_map(|value| value.ok()?.as_text().map(str::to_owned));
    texts.collect::<Vec<_>>().join(": ")
}

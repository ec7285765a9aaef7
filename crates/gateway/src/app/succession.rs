//! The end of a node: with a drain, or with another process that goes on in its place.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::App;
use crate::handover::{HandoverError, Program, Successor, acquire};
use crate::node_file::NodeFile;
use crate::service;

/// How long uploads may go on before a handover is given up.
const LET_GO: Duration = Duration::from_secs(30);

impl App {
    /// Starts a process of `program` that takes listeners and data over; when this returns it answers, and this one
    /// is to be drained.
    ///
    /// # Errors
    /// [`HandoverError`]; this one goes on as before.
    pub async fn hand_over(&mut self, program: &Program) -> Result<(), HandoverError> {
        let mut next = Successor::start(program, &self.parts.shared)?;
        let passed = self.pass_on(&mut next).await;
        if passed.is_ok() {
            next.live_on();
        } else {
            next.end().await;
            if self.parts.lock.is_none() {
                self.parts.lock = Some(acquire(&self.config.data).await.map_err(HandoverError::Data)?);
            }
            self.parts.state.resume();
        }
        passed
    }

    async fn pass_on(&mut self, next: &mut Successor) -> Result<(), HandoverError> {
        next.waits().await?;
        if !self.parts.state.hold(LET_GO).await {
            return Err(HandoverError::Busy);
        }
        self.parts.lock = None;
        next.takes_over().await?;
        self.parts.handed_over = true;
        next.id().into_iter().for_each(service::continues_as);
        Ok(())
    }

    /// Tells the service manager that the node lives, where it asks for it.
    pub fn watch(&self) {
        service::watch(self.parts.reserve.handle().clone());
    }

    /// Stops accepting, finishes what is under way, and ends. True: no request was cut.
    pub fn drain(mut self) -> BoxFuture<'static, bool> {
        Box::pin(async move {
            self.parts.state.draining();
            if self.parts.handed_over {
                // Who asks for the health of the service asks the other process.
                self.parts.clients.hand_over();
                self.parts.inside.hand_over();
                self.parts.inside.close();
            } else {
                service::stopping();
                NodeFile::remove(&self.config.data);
                tokio::time::sleep(self.config.timeouts.drain_delay).await;
            }
            // Else clients could still connect, to nobody.
            self.parts.shared.clear();
            self.parts.stop(self.config.timeouts.drain).await
        })
    }
}

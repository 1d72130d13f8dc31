//! A refusal on its way to the client: a code and one line.

use crate::engine::EngineError;
use crate::model::Invalid;
use crate::wire::Reply;

/// What a command answers instead of its reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommandError {
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl CommandError {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    pub(super) fn into_reply(self) -> Reply {
        Reply::error(self.code, self.message)
    }
}

impl From<EngineError> for CommandError {
    fn from(error: EngineError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<Invalid> for CommandError {
    fn from(error: Invalid) -> Self {
        Self::new("INVALID", error.to_string())
    }
}

//! `SNAPSHOT.TAKE`: all state into a file, now.

use super::super::arguments::Arguments;
use super::super::error::CommandError;
use super::super::table::{Call, Command};
use crate::wire::Reply;

pub(in super::super) const COMMANDS: &[Command] = &[Command {
    name: "SNAPSHOT.TAKE",
    group: "Keeping",
    usage: "",
    summary: "Begins to write all state into a snapshot, so that the next start reads that and only \
        the facts after it. Other commands go on. `INFO persistence` says how it went.",
    arguments: &[],
    reply: "`snapshot started`",
    errors: &["BUSY", "NOTFOUND", "IOERR"],
    example: "SNAPSHOT.TAKE",
    writes: false,
    least: 0,
    most: Some(0),
    run: take,
}];

fn take(call: &Call<'_>, _: Arguments<'_>) -> Result<Reply, CommandError> {
    let Some(snapshots) = call.snapshots else {
        let text = "the server has no data directory to write a snapshot to";
        return Err(CommandError::new("NOTFOUND", text));
    };
    match snapshots.start(call.now) {
        Ok(true) => Ok("snapshot started".into()),
        Ok(false) => {
            let text = "a snapshot is being taken; wait until `INFO persistence` says \
                snapshot_in_progress:0";
            Err(CommandError::new("BUSY", text))
        }
        Err(error) => {
            let text = format!("no thread for a snapshot: {error}; send the command again later");
            Err(CommandError::new("IOERR", text))
        }
    }
}

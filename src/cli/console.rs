//! `allot cli`: a console for those without `redis-cli`.
//!
//! | stdin | arguments | what happens |
//! | --- | --- | --- |
//! | any | a command | it is sent, its reply printed, and that is all |
//! | a terminal | none | a prompt with line editing, history, completion and help |
//! | a pipe or file | none | one command a line; blank lines and lines that begin with `#` are passed over |
//!
//! The exit code is 1 if any reply was an error or a line could not be read, else 0. On a terminal
//! replies are printed for people; into a pipe or file as they came, one value a line; with `--json`
//! as one JSON text a line.
//!
//! The console knows no command: names, arguments and help come from the server's `COMMAND DOCS`.
//! Nothing is sent twice by itself. After a lost connection the next command connects anew.

mod docs;
mod editor;
mod sheet;
mod show;

use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::process::ExitCode;
use std::rc::Rc;

use anyhow::Context as _;
use rustyline::error::ReadlineError;

use crate::client::{Client, ClientError};
use crate::wire::{Value, split_line};
use docs::Docs;
use show::{Format, show};

/// Commands of a script in flight at a time. Small enough that the server, which stops reading
/// from a client that does not read, never has to.
const PIPELINE: usize = 128;
/// Bytes of a script read at a time.
const INPUT_BYTES: usize = 64 << 10;
/// Words that end the console; they are not sent.
const LEAVE: [&str; 2] = ["quit", "exit"];

/// What `allot cli` was asked to do.
#[derive(Debug, Clone)]
pub struct ConsoleOptions {
    /// The server, as `host:port`.
    pub addr: String,
    /// Print replies as JSON, one a line.
    pub json: bool,
    /// Password to authenticate with, if the server asks for one.
    pub password: Option<String>,
    /// A command and its arguments to send once; empty for a prompt or a script on stdin.
    pub command: Vec<String>,
}

/// Runs the console; returns when the user leaves, the script ends, or the one command is answered.
///
/// # Errors
/// No connection, a refused password, a connection lost in a script, or a failing terminal.
pub fn run(options: &ConsoleOptions) -> anyhow::Result<ExitCode> {
    let terminal = io::stdout().is_terminal();
    let format = match (options.json, terminal) {
        (true, _) => Format::Json,
        (false, true) => Format::Pretty,
        (false, false) => Format::Raw,
    };
    // What is not for people goes out untouched: anstream would take escape bytes out of it.
    let mut out: Box<dyn Write> = match format {
        Format::Pretty => Box::new(anstream::stdout()),
        Format::Raw | Format::Json => Box::new(io::BufWriter::new(io::stdout())),
    };
    let outcome = match options.command.as_slice() {
        [] if terminal && io::stdin().is_terminal() => interact(options, format, out.as_mut()),
        [] => script(
            &mut connect(options)?,
            io::stdin().lock(),
            format,
            out.as_mut(),
        ),
        command => once(&mut connect(options)?, command, format, out.as_mut()),
    };
    match outcome.and_then(|success| Ok(out.flush().map(|()| success)?)) {
        Ok(true) => Ok(ExitCode::SUCCESS),
        Ok(false) => Ok(ExitCode::FAILURE),
        // The reader of our output, such as `head`, has seen enough.
        Err(error) if is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<io::Error>();
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// Connects, authenticates, and asks for RESP3; a server that has only RESP2 serves as well.
fn connect(options: &ConsoleOptions) -> anyhow::Result<Client> {
    let mut client = Client::connect(&options.addr)?;
    if let Some(password) = &options.password {
        client.auth(None, password.as_bytes())?;
    }
    client.command(&["HELLO", "3"])?;
    Ok(client)
}

/// Sends one command. Whether it was accepted.
fn once(
    client: &mut Client,
    command: &[String],
    format: Format,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    let reply = client.command(command)?;
    show(&reply, format, out)?;
    Ok(!reply.is_error())
}

/// Sends the commands of `input`, one a line, until it ends or says `quit`. Whether all were
/// accepted. Commands are pipelined as far as lines are at hand, so that a file is quick and a
/// program that writes a line and waits for its reply gets it.
fn script(
    client: &mut Client,
    input: impl Read,
    format: Format,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    let mut input = BufReader::with_capacity(INPUT_BYTES, input);
    let mut success = true;
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        if input
            .read_until(b'\n', &mut line)
            .context("cannot read commands from stdin")?
            == 0
        {
            break;
        }
        match words_of(&line).as_deref() {
            Ok([]) => {}
            Ok([word]) if is_word(word, &LEAVE) => break,
            Ok(words) => client.send(words),
            Err(problem) => {
                // What came before is answered before the complaint, whatever it was.
                settle(client, format, out)?;
                success = false;
                writeln!(anstream::stderr(), "line {number}: {problem}; not sent")?;
            }
        }
        if client.owed() >= PIPELINE || !input.buffer().contains(&b'\n') {
            success &= settle(client, format, out)?;
        }
    }
    Ok(success & settle(client, format, out)?)
}

/// Prints the replies owed. Whether all commands were accepted.
fn settle(client: &mut Client, format: Format, out: &mut dyn Write) -> anyhow::Result<bool> {
    let mut success = true;
    while client.owed() > 0 {
        let reply = client.receive()?;
        success &= !reply.is_error();
        show(&reply, format, out)?;
    }
    out.flush()?;
    Ok(success)
}

/// The words of a line; none if it is blank or a comment.
fn words_of(line: &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
    let line = line.trim_ascii();
    if line.starts_with(b"#") {
        return Ok(Vec::new());
    }
    split_line(line).map_err(|_| "quotes are not balanced: close each \" and ', with a space after")
}

/// A prompt until the user leaves. Errors of single commands do not end it.
fn interact(options: &ConsoleOptions, format: Format, out: &mut dyn Write) -> anyhow::Result<bool> {
    let mut client = connect(options)?;
    let docs = Rc::new(load_docs(&mut client)?);
    let mut prompt = Prompt {
        options,
        format,
        client: Some(client),
        docs,
    };
    let mut editor = editor::Input::new(Rc::clone(&prompt.docs))?;
    writeln!(
        out,
        "Tab completes, `help` lists the commands, Ctrl-D leaves."
    )?;
    loop {
        let line = match editor.read(&prompt.text()) {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(true),
            Err(error) => return Err(error).context("cannot read from the terminal"),
        };
        match words_of(line.as_bytes()).as_deref() {
            Ok([]) => {}
            Ok([word]) if is_word(word, &LEAVE) => return Ok(true),
            Ok([word, topic @ ..]) if is_word(word, &["help", "?"]) => {
                out.write_all(prompt.docs.help(topic).as_bytes())?;
            }
            Ok(words) => {
                if let Err(error) = prompt.ask(words, out) {
                    prompt.client = None;
                    writeln!(out, "{error:#}")?;
                }
            }
            Err(problem) => writeln!(out, "{problem}")?,
        }
        editor.assist(&prompt.docs);
    }
}

/// What the prompt knows between lines.
struct Prompt<'a> {
    options: &'a ConsoleOptions,
    format: Format,
    /// None after a lost connection.
    client: Option<Client>,
    docs: Rc<Docs>,
}

impl Prompt<'_> {
    /// What stands before the cursor.
    fn text(&self) -> String {
        match self.client {
            Some(_) => format!("allot {}> ", self.options.addr),
            None => "allot not connected> ".to_owned(),
        }
    }

    /// Sends one command, connecting first if the connection was lost.
    fn ask(&mut self, words: &[Vec<u8>], out: &mut dyn Write) -> anyhow::Result<()> {
        let client = match &mut self.client {
            Some(client) => client,
            lost => lost.insert(connect(self.options)?),
        };
        let reply = client.command(words)?;
        // A server with passwords may tell of its commands only to those it knows.
        let greets = words
            .first()
            .is_some_and(|word| is_word(word, &["AUTH", "HELLO"]));
        if greets && self.docs.is_empty() && !reply.is_error() {
            self.docs = Rc::new(load_docs(client)?);
        }
        Ok(show(&reply, self.format, out)?)
    }
}

/// The server's documentation; empty if it has none or wants a password first.
fn load_docs(client: &mut Client) -> Result<Docs, ClientError> {
    Ok(match client.command(&["COMMAND", "DOCS"])? {
        Value::Error(_) => Docs::default(),
        reply => Docs::parse(reply),
    })
}

fn is_word(word: &[u8], any_of: &[&str]) -> bool {
    any_of
        .iter()
        .any(|candidate| word.eq_ignore_ascii_case(candidate.as_bytes()))
}

#[cfg(test)]
mod tests;

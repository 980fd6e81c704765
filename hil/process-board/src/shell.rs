//! As much of a shell as a bench types: `;`, single quotes, `echo`, `$?`. A pure core.

/// What a boot's first stage prints, as the profile `process-board` has it.
pub(crate) const BANNER: &str = "Parallax process board, first stage";

/// A command of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ShellCommand {
    /// `echo`, with its words; where `$?` stands, the status of the command before belongs.
    Echo(Vec<String>),
    /// Any other, by its words; at least one.
    Other(Vec<String>),
}

/// Where the status of the command before belongs: no typed byte.
const STATUS: char = '\0';

/// The commands of a line, in their order.
pub(crate) fn commands(line: &str) -> Vec<ShellCommand> {
    let (mut all, mut words, mut word) = (Vec::new(), Vec::new(), None::<String>);
    let (mut quoted, mut letters) = (false, line.chars().peekable());
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            _ if quoted => word.get_or_insert_default().push(letter),
            ';' => {
                words.extend(word.take());
                all.extend(command(std::mem::take(&mut words)));
            }
            ' ' => words.extend(word.take()),
            '$' if letters.peek() == Some(&'?') => {
                letters.next();
                word.get_or_insert_default().push(STATUS);
            }
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    all.extend(command(words));
    all
}

fn command(mut words: Vec<String>) -> Option<ShellCommand> {
    let first = words.first()?;
    if first == "echo" {
        words.remove(0);
        return Some(ShellCommand::Echo(words));
    }
    Some(ShellCommand::Other(words))
}

/// What `echo` says of `words` after a command with this status.
pub(crate) fn said(words: &[String], status: u8) -> String {
    words.join(" ").replace(STATUS, &status.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_of_a_bench_come_out_whole_with_the_status() {
        let line = "echo 'plx:''7f3a9c01:4:b.'; uname -r; echo 'plx:''7f3a9c01:4:e:'$?'.'";
        let all = commands(line);
        assert_eq!(all.len(), 3);
        let ShellCommand::Echo(begin) = &all[0] else { panic!("{all:?}") };
        assert_eq!(said(begin, 9), "plx:7f3a9c01:4:b.");
        assert_eq!(all[1], ShellCommand::Other(vec!["uname".to_owned(), "-r".to_owned()]));
        let ShellCommand::Echo(end) = &all[2] else { panic!("{all:?}") };
        assert_eq!(said(end, 127), "plx:7f3a9c01:4:e:127.");
    }

    #[test]
    fn nothing_typed_is_no_command() {
        assert_eq!(commands(""), []);
        assert_eq!(commands(" ; ;"), []);
        assert_eq!(commands("echo"), [ShellCommand::Echo(vec![])]);
    }
}

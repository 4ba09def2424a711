use std::fmt;
use std::str::FromStr;

/// What a step does, as the text of its command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Script {
    /// How long it takes.
    pub work_ms: u64,
    pub exit: u8,
    /// From this attempt of its task on it succeeds; 0: it never does.
    pub until: u32,
    /// It does not end when it is asked to.
    pub is_stubborn: bool,
    /// The lines that it prints.
    pub lines: u32,
}

impl Script {
    /// A step that succeeds after so long.
    pub fn work(work_ms: u64) -> Script {
        Script { work_ms, exit: 0, until: 0, is_stubborn: false, lines: 1 }
    }

    /// How it ends in an attempt, counted from 1.
    pub fn exit_in(&self, attempt: u32) -> u8 {
        let is_mended = self.until > 0 && attempt >= self.until;
        if is_mended { 0 } else { self.exit }
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Script { work_ms, exit, until, lines, is_stubborn } = self;
        let manner = if *is_stubborn { "stubborn" } else { "willing" };
        write!(f, "work {work_ms} exit {exit} until {until} print {lines} {manner}")
    }
}

impl FromStr for Script {
    type Err = ();

    fn from_str(text: &str) -> Result<Script, ()> {
        let words: Vec<&str> = text.split(' ').collect();
        let ["work", work, "exit", exit, "until", until, "print", lines, manner] = words[..] else {
            return Err(());
        };
        Ok(Script {
            work_ms: work.parse().map_err(drop)?,
            exit: exit.parse().map_err(drop)?,
            until: until.parse().map_err(drop)?,
            lines: lines.parse().map_err(drop)?,
            is_stubborn: manner == "stubborn",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_reads_back_as_it_was_written() {
        let script = Script { work_ms: 70, exit: 3, until: 2, is_stubborn: true, lines: 4 };
        assert_eq!(script.to_string().parse(), Ok(script));
        assert_eq!((script.exit_in(1), script.exit_in(2)), (3, 0));
        assert_eq!("rm -rf /".parse::<Script>(), Err(()));
    }
}

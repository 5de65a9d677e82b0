//! The filter of a started program: it passes bind(2), listen(2) and `landlock_restrict_self(2)` on to the listener, and
//! lets every other call through.

use nix::libc::{self, sock_filter};

/// A call that the filter passes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Bind,
    Listen,
    /// Afterwards the caller, and all that it starts, may bind less than we may.
    LandlockRestrictSelf,
}

/// Numbers of the calls of one architecture, with its name in `linux/audit.h`.
struct Table {
    architecture: u32,
    bind: u32,
    listen: u32,
}

/// The number on every architecture: calls since 5.1 share theirs.
const LANDLOCK_RESTRICT_SELF: u32 = 446;

const X86_64: u32 = 0xC000_003E;
const I386: u32 = 0x4000_0003;
const AARCH64: u32 = 0xC000_00B7;
const RISCV64: u32 = 0xC000_00F3;

/// The name of this architecture; `None` where the filter has no numbers.
pub(super) const ARCHITECTURE: Option<u32> = if cfg!(target_arch = "x86_64") {
    Some(X86_64)
} else if cfg!(target_arch = "x86") {
    Some(I386)
} else if cfg!(target_arch = "aarch64") {
    Some(AARCH64)
} else if cfg!(target_arch = "riscv64") {
    Some(RISCV64)
} else {
    None
};

/// A machine runs programs of its own architecture, x86-64 those of i386 too. Of the latter, glibc makes these calls
/// directly since 2.23; what still goes through socketcall(2) is let through.
const TABLES: [Table; 4] = [
    Table {
        architecture: X86_64,
        bind: 49,
        listen: 50,
    },
    Table {
        architecture: I386,
        bind: 361,
        listen: 363,
    },
    Table {
        architecture: AARCH64,
        bind: 200,
        listen: 201,
    },
    Table {
        architecture: RISCV64,
        bind: 200,
        listen: 201,
    },
];

impl Call {
    /// The call with a number, as `struct seccomp_data` has both.
    pub(super) fn of(architecture: u32, number: i32) -> Option<Self> {
        let number = u32::try_from(number).ok()?;
        let table = TABLES.iter().find(|one| one.architecture == architecture)?;
        match number {
            LANDLOCK_RESTRICT_SELF => Some(Self::LandlockRestrictSelf),
            _ if number == table.bind => Some(Self::Bind),
            _ if number == table.listen => Some(Self::Listen),
            _ => None,
        }
    }
}

/// Where `struct seccomp_data` has the number of the call, and the architecture.
const NUMBER_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;

const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
const JUMP_IF_EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
const RETURN: u32 = libc::BPF_RET | libc::BPF_K;

/// The filter as classic BPF.
pub(super) fn program() -> Vec<sock_filter> {
    let mut program = vec![step(LOAD, ARCHITECTURE_AT)];
    for table in &TABLES {
        let passed_on = [table.bind, table.listen, LANDLOCK_RESTRICT_SELF];
        // Over this block, if the program is of another architecture.
        program.push(jump(table.architecture, 0, 6));
        program.push(step(LOAD, NUMBER_AT));
        program.extend(
            (1..=3_u8)
                .zip(passed_on)
                .map(|(nth, number)| jump(number, 4 - nth, 0)),
        );
        program.push(step(RETURN, libc::SECCOMP_RET_ALLOW));
        program.push(step(RETURN, libc::SECCOMP_RET_USER_NOTIF));
    }
    program.push(step(RETURN, libc::SECCOMP_RET_ALLOW));
    program
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the codes of steps are small"
)]
const fn step(code: u32, value: u32) -> sock_filter {
    sock_filter {
        code: code as u16,
        jt: 0,
        jf: 0,
        k: value,
    }
}

/// Skips so many steps if the loaded number is this one, or so many if it is not.
const fn jump(value: u32, if_equal: u8, if_not: u8) -> sock_filter {
    sock_filter {
        jt: if_equal,
        jf: if_not,
        ..step(JUMP_IF_EQUAL, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the program returns for a call, as the kernel runs it.
    fn run(architecture: u32, number: u32) -> u32 {
        let (program, mut at, mut loaded) = (program(), 0, 0);
        loop {
            let step = &program[at];
            at += 1;
            match u32::from(step.code) {
                LOAD if step.k == NUMBER_AT => loaded = number,
                LOAD => loaded = architecture,
                JUMP_IF_EQUAL if loaded == step.k => at += usize::from(step.jt),
                JUMP_IF_EQUAL => at += usize::from(step.jf),
                _ => return step.k,
            }
        }
    }

    #[test]
    fn it_passes_on_just_these_calls_of_each_architecture() {
        for table in &TABLES {
            for number in 0..1000 {
                let call = Call::of(table.architecture, number.try_into().unwrap());
                let expected = if call.is_some() {
                    libc::SECCOMP_RET_USER_NOTIF
                } else {
                    libc::SECCOMP_RET_ALLOW
                };
                assert_eq!(run(table.architecture, number), expected, "{number}");
            }
        }
        assert_eq!(run(0, 49), libc::SECCOMP_RET_ALLOW);
    }

    #[test]
    fn the_numbers_of_this_machine_are_those_of_its_c_library() {
        let table = TABLES
            .iter()
            .find(|one| Some(one.architecture) == ARCHITECTURE);
        let table = table.unwrap();
        assert_eq!(libc::c_long::from(table.bind), libc::SYS_bind);
        assert_eq!(libc::c_long::from(table.listen), libc::SYS_listen);
        let landlock = libc::c_long::from(LANDLOCK_RESTRICT_SELF);
        assert_eq!(landlock, libc::SYS_landlock_restrict_self);
    }
}

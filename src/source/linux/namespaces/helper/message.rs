//! The messages between this program, the helper and its children: a line of words, texts, and descriptors.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::cmsg_space;
use rustix::io::retry_on_intr;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use super::MAX_NETWORKS;

/// The longest texts are a `uid_map`, of up to 340 lines, and two files of 250 and 100 bytes.
const MAX_LENGTH: usize = 16 * 1024;

/// The descriptors of a request: a user namespace and its network namespaces.
const SPACE: usize = cmsg_space!(ScmRights(MAX_NETWORKS + 1));

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// To the helper: start a child that enters the first of these namespaces, and the others one after the other.
    Enter,
    /// From the child: a socket that it opened in a network namespace, and files from there.
    Opened {
        index: usize,
        sockstat: String,
        sockstat6: String,
    },
    /// From the child: a network namespace could not be entered.
    Failed { index: usize, error: i32 },
    /// From the helper: the child has ended. With the `uid_map` of the user namespace, if there was a child.
    Ended { users: Option<String> },
}

/// Sends a message with descriptors.
pub(super) fn send(
    socket: BorrowedFd<'_>,
    message: &Message,
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let text = message.encode();
    let parts = [IoSlice::new(text.as_bytes())];
    retry_on_intr(|| sendmsg(socket, &parts, &mut control, SendFlags::NOSIGNAL))?;
    Ok(())
}

/// The next message, with its descriptors; `None` if the other end is closed.
pub(super) fn receive(socket: BorrowedFd<'_>) -> io::Result<Option<(Message, Vec<OwnedFd>)>> {
    let mut text = [0; MAX_LENGTH];
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = retry_on_intr(|| {
        let mut parts = [IoSliceMut::new(&mut text)];
        recvmsg(socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC)
    })?;
    let descriptors = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    let descriptors = descriptors.flatten().collect();
    if received.bytes == 0 {
        return Ok(None);
    }
    let text = text.get(..received.bytes);
    let text = text.and_then(|text| std::str::from_utf8(text).ok());
    let message = text.and_then(Message::decode);
    Ok(Some((
        message.ok_or(io::ErrorKind::InvalidData)?,
        descriptors,
    )))
}

impl Message {
    fn encode(&self) -> String {
        match self {
            Self::Enter => "enter".to_owned(),
            Self::Opened {
                index,
                sockstat,
                sockstat6,
            } => format!("opened {index}\0{sockstat}\0{sockstat6}"),
            Self::Failed { index, error } => format!("failed {index} {error}"),
            Self::Ended { users: Some(users) } => format!("ended\0{users}"),
            Self::Ended { users: None } => "ended".to_owned(),
        }
    }

    fn decode(text: &str) -> Option<Self> {
        let mut parts = text.split('\0');
        let mut words = parts.next()?.split(' ');
        let name = words.next()?;
        let mut word = || words.next();
        let message = match name {
            "enter" => Self::Enter,
            "opened" => Self::Opened {
                index: word()?.parse().ok()?,
                sockstat: parts.next()?.to_owned(),
                sockstat6: parts.next()?.to_owned(),
            },
            "failed" => Self::Failed {
                index: word()?.parse().ok()?,
                error: word()?.parse().ok()?,
            },
            "ended" => Self::Ended {
                users: parts.next().map(str::to_owned),
            },
            _ => return None,
        };
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let all = [
            Message::Enter,
            Message::Opened {
                index: 2,
                sockstat: "TCP: inuse 3\nUDP: inuse 1\n".to_owned(),
                sockstat6: String::new(),
            },
            Message::Failed {
                index: 63,
                error: 1,
            },
            Message::Ended { users: None },
            Message::Ended {
                users: Some("0 1000 1\n".to_owned()),
            },
        ];
        for message in all {
            assert_eq!(Message::decode(&message.encode()), Some(message));
        }
        for text in ["", "7", "open", "opened 1", "opened\0\0", "failed 1"] {
            assert_eq!(Message::decode(text), None, "{text}");
        }
    }
}

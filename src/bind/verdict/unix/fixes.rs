//! Fixes that end the owners of a unix socket's name and remove its file.

use super::Case;
use crate::bind::fix::{self, Fix, FixCode, Frees, Situation, is_guarded, is_systemd, shell_word};
use crate::bind::text::after;
use crate::bind::verdict::phrases::owner_of;
use crate::model::{AtPath, Holder, Protocol};

impl Case<'_> {
    /// Ends the sockets that have the name. The file may stay.
    pub(super) fn end_holders(&self) -> Vec<Fix> {
        let holders: Vec<&Holder> = self.present().map(|one| &one.holder).collect();
        let mut owners = holders.iter().flat_map(|one| one.socket.owner.present());
        if owners.any(|process| is_systemd(process)) {
            let text =
                "Stop the socket unit that systemd listens for: `systemctl list-sockets` names it";
            return vec![FixCode::StopSocketUnit.fix(text)];
        }
        let mut backgrounds = holders.iter().flat_map(|holder| &holder.backgrounds);
        if backgrounds.any(|background| is_guarded(background.end_risk)) {
            let who = after("", holders.first().map(|holder| owner_of(holder)));
            let text = format!(
                "Give the server another path: {who} is needed by this machine or by your session"
            );
            return vec![FixCode::ChangeConfig.fix(text)];
        }
        let mut fixes = fix::end_holders(&Situation {
            holders,
            limits: &self.evidence.limits,
            protocol: Protocol::Tcp,
            port: 0,
            check_as_root: Some(format!("sudo sockeye check {}", shell_word(&self.text()))),
        });
        if let Some(AtPath::Socket(file)) = &self.evidence.at_path {
            for fix in &mut fixes {
                self.remove_too(fix, file.is_removable);
            }
        }
        fixes
    }

    /// Makes a fix that ends the owner for good also remove the file: many servers leave it, and killed ones always do.
    /// A restarted server may have created it again.
    fn remove_too(&self, fix: &mut Fix, is_removable: bool) {
        if fix.restarts || fix.frees != Frees::Yes {
            return;
        }
        let remove = self.remove("", "rm -f", is_removable).command;
        match (&mut fix.command, remove) {
            (Some(command), Some(remove)) => {
                *command = format!("{command} && {remove}");
                fix.text.push_str(" and remove the file");
            }
            (Some(_), None) => {
                let text = || "If the file stays, remove it.".to_owned();
                fix.warning.get_or_insert_with(text);
            }
            (None, _) => {}
        }
    }

    pub(super) fn remove(&self, text: &str, command: &str, is_removable: bool) -> Fix {
        let path = self.text();
        if path.chars().any(char::is_control) {
            return FixCode::RemoveFile.fix(text);
        }
        // A name that begins with a dash would be an option.
        let here = if path.starts_with('-') { "./" } else { "" };
        let command = format!("{command} {}", shell_word(&format!("{here}{path}")));
        let fix = FixCode::RemoveFile.command(text, command);
        if is_removable {
            fix
        } else {
            fix.by_root(&self.evidence.limits)
        }
    }
}

//! Scenes to come: ssh.

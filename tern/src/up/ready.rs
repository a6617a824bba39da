//! What `tern up` says once it runs.

use std::net::SocketAddr;

use crate::cli::ADMIN;
use crate::world::{Role, World};

/// Which service listens where.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The services, in the order of [`crate::world::ROLES`].
    pub services: Vec<(Role, Vec<SocketAddr>)>,
    /// The admin endpoint.
    pub admin: Option<SocketAddr>,
}

impl Standing {
    /// `ready`, who listens where, and what to try.
    pub fn text(&self, world: &World) -> String {
        let mut text = "ready\n\n".to_owned();
        for (role, addresses) in &self.services {
            let addresses: Vec<_> = addresses.iter().map(SocketAddr::to_string).collect();
            text += &format!("  {:<38}{}\n", role.title, addresses.join(" "));
        }
        if let Some(admin) = self.admin {
            text += &format!("  {:<38}{admin}\n", "admin: metrics, health, explain");
        }
        let end = if world.is_temporary() { ", removed at the end; keep a world with --dir" } else { "" };
        text += &format!("\n  files: {}{end}\n\ntry:\n", world.dir().display());
        let commands = self.commands();
        let width = commands.iter().map(|(command, _)| command.len()).max().unwrap_or_default();
        for (command, comment) in commands {
            text += &format!("  {command:<width$}  # {comment}\n");
        }
        text + "\nCtrl-C ends it.\n"
    }

    /// Commands that show what the world does, and what each shows.
    fn commands(&self) -> Vec<(String, &'static str)> {
        let asks = [
            ("local-dns-telecom", "www.yourcompany.com", "Telecom in Shanghai: three of cn-east"),
            ("local-dns-unicom", "www.yourcompany.com", "Unicom in Beijing: three of cn-north"),
            ("gslb", "www.vip.yourcompany.com +subnet=211.136.112.0/24", "the same for a client of Mobile"),
        ];
        let mut commands = Vec::new();
        for (name, question, comment) in asks {
            let service = self.services.iter().find(|(role, _)| role.name == name);
            if let Some(address) = service.and_then(|(_, addresses)| addresses.first()) {
                let (ip, port) = (address.ip(), address.port());
                commands.push((format!("dig @{ip} -p {port} {question}"), comment));
            }
        }
        if let Some(admin) = self.admin {
            let option = if admin.to_string() == ADMIN { String::new() } else { format!(" --admin {admin}") };
            for (command, comment) in [
                ("tern explain www.vip.yourcompany.com 202.96.209.133", "the three, why, and why not others"),
                ("tern bgp show telecom", "what China Telecom hears from us"),
                ("tern bgp withdraw --router cn-east-br1 --carrier telecom", "Telecom goes to cn-north"),
                ("tern bgp announce --router cn-east-br1 --carrier telecom", "and comes back"),
            ] {
                commands.push((format!("{command}{option}"), comment));
            }
        }
        commands
    }
}

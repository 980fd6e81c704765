//! Packets of a run as a pcapng file (draft-ietf-opsawg-pcapng), as Wireshark reads it.
//!
//! The bytes are a function of the input alone: no machine, no wall clock, no version is in
//! them.

mod secret;
mod wire;

pub use secret::DtlsSecret;

use core::time::Duration;
use parallax_network::{Flow, Packet, Time};
use pcap_file::{
    DataLink, Endianness, PcapError,
    pcapng::{
        Block, PcapNgWriter,
        blocks::{
            enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption},
            interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption},
            section_header::{SectionHeaderBlock, SectionHeaderOption},
            unknown::UnknownBlock,
        },
    },
};
use std::{borrow::Cow, io::Write};

/// Time stamps count nanoseconds: `if_tsresol` is the negative power of ten.
const NANOSECONDS: u8 = 9;
/// The block type of decryption secrets, which `pcap-file` does not know.
const DECRYPTION_SECRETS: u32 = 0x0000_000A;
/// Its kind of secrets: a key log of TLS. "TLSK".
const TLS_KEY_LOG: u32 = 0x544C_534B;

/// Why a capture could not be written.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// What it is written to does not take it.
    #[error("failed to write a capture")]
    Write(#[source] std::io::Error),
    /// An interface that was not named at the beginning.
    #[error("failed to write a capture: there is no interface {0}")]
    Interface(u32),
}

impl From<PcapError> for CaptureError {
    fn from(error: PcapError) -> Self {
        match error {
            PcapError::IoError(error) => Self::Write(error),
            PcapError::InvalidInterfaceId(id) => Self::Interface(id),
            error => Self::Write(std::io::Error::other(error)),
        }
    }
}

/// An interface of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureInterface {
    /// Its name, such as `gateway/house/in`.
    pub name: String,
    /// What is seen there, for people.
    pub description: String,
}

/// A packet at an interface.
#[derive(Clone, Copy, Debug)]
pub struct CapturedPacket<'a> {
    /// When.
    pub at: Time,
    /// Where: the interface's place in the list that the capture began with.
    pub interface: u32,
    /// Which way; none: it went no way.
    pub flow: Option<Flow>,
    /// The packet as it is there.
    pub packet: &'a Packet,
    /// How many gateways have forwarded it: each takes one from its time to live, which begins at
    /// 64.
    pub gateways: u8,
    /// What is to be said of it.
    pub comment: Option<&'a str>,
}

/// A capture that is being written.
pub struct Capture<W: Write> {
    writer: PcapNgWriter<W>,
    zero: Duration,
}

impl<W: Write> core::fmt::Debug for Capture<W> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Capture").field("zero", &self.zero).finish_non_exhaustive()
    }
}

impl<W: Write> Capture<W> {
    /// Begins a capture. `zero` is the time zero of the run, since 1970-01-01 00:00:00 UTC.
    ///
    /// # Errors
    /// If `out` does not take it.
    pub fn new(
        out: W,
        zero: Duration,
        interfaces: &[CaptureInterface],
    ) -> Result<Self, CaptureError> {
        let application = SectionHeaderOption::UserApplication("Parallax".into());
        let section = SectionHeaderBlock {
            // The same on every machine.
            endianness: Endianness::Little,
            options: vec![application],
            ..SectionHeaderBlock::default()
        };
        let mut writer = PcapNgWriter::with_section_header(out, section)?;
        for CaptureInterface { name, description } in interfaces {
            let interface = InterfaceDescriptionBlock {
                // Raw IP, told apart by the version in the packet.
                linktype: DataLink::RAW,
                snaplen: 0,
                options: vec![
                    InterfaceDescriptionOption::IfName(name.into()),
                    InterfaceDescriptionOption::IfDescription(description.into()),
                    InterfaceDescriptionOption::IfTsResol(NANOSECONDS),
                ],
            };
            writer.write_block(&Block::InterfaceDescription(interface))?;
        }
        Ok(Self { writer, zero })
    }

    /// Writes a packet, with its checksums. One that is too long for IPv4 is on no wire, and left
    /// out.
    ///
    /// # Errors
    /// If there is no such interface, or the writer does not take it.
    pub fn packet(&mut self, seen: &CapturedPacket<'_>) -> Result<(), CaptureError> {
        let Some(bytes) = wire::checked(seen.packet, seen.gateways) else { return Ok(()) };
        let flags = seen.flow.map(|flow| match flow {
            Flow::Inbound => 1,
            Flow::Outbound => 2,
        });
        let comment = seen.comment.map(|text| EnhancedPacketOption::Comment(text.into()));
        let options = comment.into_iter().chain(flags.map(EnhancedPacketOption::Flags)).collect();
        let block = EnhancedPacketBlock {
            interface_id: seen.interface,
            timestamp: self.zero + Duration::from_nanos(seen.at.as_nanos()),
            // At most 65535, see above.
            original_len: bytes.len() as u32,
            data: Cow::Owned(bytes),
            options,
        };
        self.writer.write_block(&Block::EnhancedPacket(block))?;
        Ok(())
    }

    /// Writes a secret, with which a reader decrypts packets that come after it.
    ///
    /// # Errors
    /// If the writer does not take it.
    pub fn secret(&mut self, secret: &DtlsSecret) -> Result<(), CaptureError> {
        let line = secret.line();
        let mut value = Vec::new();
        value.extend(TLS_KEY_LOG.to_le_bytes());
        // A line has a fixed length of less than 200 bytes.
        value.extend((line.len() as u32).to_le_bytes());
        value.extend(line.as_bytes());
        let length = value.len() as u32;
        let block = UnknownBlock { type_: DECRYPTION_SECRETS, length, value: value.into() };
        self.writer.write_block(&Block::Unknown(block))?;
        Ok(())
    }

    /// Hands on what the writer holds back.
    ///
    /// # Errors
    /// If it does not take it.
    pub fn flush(&mut self) -> Result<(), CaptureError> {
        self.writer.get_mut().flush().map_err(CaptureError::Write)
    }
}

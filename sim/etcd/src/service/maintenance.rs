//! Status, alarms, hashes, and moving the leader.

use etcd_client::proto::{
    PbAlarmMember, PbAlarmRequest, PbAlarmResponse, PbDefragmentRequest, PbDefragmentResponse,
    PbDowngradeRequest, PbDowngradeResponse, PbHashKvRequest, PbHashKvResponse, PbHashRequest,
    PbHashResponse, PbMaintenanceService, PbMoveLeaderRequest, PbMoveLeaderResponse,
    PbSnapshotRequest, PbSnapshotResponse, PbStatusRequest, PbStatusResponse,
};
use etcd_client::{AlarmAction, AlarmType};
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::request::{Answers, absent};
use crate::cluster::Cluster;
use crate::error::{Error, Result};
use crate::faults::Method;
use crate::machine::Machine;
use crate::node::{Consistency, Node};

const CALL: (Method, &[u8]) = (Method::Maintenance, b"");

#[tonic::async_trait]
impl PbMaintenanceService for Node {
    async fn status(
        &self,
        _: Request<PbStatusRequest>,
    ) -> Result<Response<PbStatusResponse>, Status> {
        let status = |cluster: &Cluster, _, _| Ok(status(cluster, self.member));
        self.answer(self.query(CALL, Consistency::Serializable, status).await)
    }

    async fn alarm(
        &self,
        request: Request<PbAlarmRequest>,
    ) -> Result<Response<PbAlarmResponse>, Status> {
        let asked = request.into_inner();
        let alarms = self.propose(CALL, |cluster, _| Ok(change_alarms(cluster, &asked))).await;
        self.answer(alarms.map(|alarms| PbAlarmResponse { header: None, alarms }))
    }

    async fn defragment(
        &self,
        _: Request<PbDefragmentRequest>,
    ) -> Result<Response<PbDefragmentResponse>, Status> {
        let done = async {
            self.etcd.change(|cluster, _| cluster.defragment());
            Ok(PbDefragmentResponse::default())
        };
        self.answer(self.with_faults(CALL.0, CALL.1, done).await)
    }

    async fn hash(&self, _: Request<PbHashRequest>) -> Result<Response<PbHashResponse>, Status> {
        let hash = |cluster: &Cluster, newest, _| Ok(hash(cluster.machine(), newest));
        let hash = self.query(CALL, Consistency::Serializable, hash).await;
        self.answer(hash.map(|hash| PbHashResponse { header: None, hash }))
    }

    async fn hash_kv(
        &self,
        request: Request<PbHashKvRequest>,
    ) -> Result<Response<PbHashKvResponse>, Status> {
        let revision = request.get_ref().revision;
        let work = |cluster: &Cluster, newest, _| {
            let machine = cluster.machine();
            let revision = if revision == 0 { newest } else { revision };
            if revision > newest {
                return Err(Error::FutureRevision);
            }
            if revision < machine.compacted() {
                return Err(Error::Compacted);
            }
            let hash = hash(machine, revision);
            let compact_revision = machine.compacted();
            Ok(PbHashKvResponse { header: None, hash, compact_revision, hash_revision: revision })
        };
        self.answer(self.query(CALL, Consistency::Serializable, work).await)
    }

    type SnapshotStream = Answers<PbSnapshotResponse>;

    async fn snapshot(
        &self,
        _: Request<PbSnapshotRequest>,
    ) -> Result<Response<Self::SnapshotStream>, Status> {
        absent("snapshots")
    }

    async fn move_leader(
        &self,
        request: Request<PbMoveLeaderRequest>,
    ) -> Result<Response<PbMoveLeaderResponse>, Status> {
        let target = request.get_ref().target_id;
        let moved = async {
            self.etcd.change(|cluster, now| {
                if cluster.leader() != Some(self.member) {
                    return Err(Error::NotLeader);
                }
                let found = cluster.members().iter().position(|member| member.id == target);
                cluster.elect(found.ok_or(Error::BadLeaderTransferee)?, now)?;
                Ok(PbMoveLeaderResponse::default())
            })
        };
        self.answer(self.with_faults(CALL.0, CALL.1, moved).await)
    }

    async fn downgrade(
        &self,
        _: Request<PbDowngradeRequest>,
    ) -> Result<Response<PbDowngradeResponse>, Status> {
        absent("downgrades")
    }
}

fn status(cluster: &Cluster, member: usize) -> PbStatusResponse {
    let leader = cluster.leader().filter(|_| cluster.led(member));
    let mut errors: Vec<String> = Vec::new();
    if leader.is_none() {
        errors.push(Error::NoLeader.to_string());
    }
    for (member, alarm) in cluster.machine().alarms() {
        let alarm = AlarmType::try_from(*alarm).unwrap_or_default();
        errors.push(format!("memberID:{member} alarm:{} ", alarm.as_str_name()));
    }
    PbStatusResponse {
        header: None,
        version: cluster.config().version.clone(),
        db_size: cluster.file_bytes() as i64,
        leader: leader.map_or(0, |leader| cluster.members()[leader].id),
        raft_index: cluster.index(),
        raft_term: cluster.term(),
        raft_applied_index: cluster.index(),
        errors,
        db_size_in_use: cluster.machine().bytes() as i64,
        ..Default::default()
    }
}

/// Answers the alarms asked for or changed.
fn change_alarms(cluster: &mut Cluster, asked: &PbAlarmRequest) -> Vec<PbAlarmMember> {
    let alarm = asked.alarm();
    let one = PbAlarmMember { member_id: asked.member_id, alarm: asked.alarm };
    match asked.action() {
        AlarmAction::Get => {
            let alarms = cluster.machine().alarms().iter();
            let wanted =
                alarms.filter(|(_, raised)| alarm == AlarmType::None || *raised == asked.alarm);
            wanted
                .map(|(member_id, alarm)| PbAlarmMember { member_id: *member_id, alarm: *alarm })
                .collect()
        }
        AlarmAction::Activate => {
            let news = alarm != AlarmType::None && cluster.raise_alarm(asked.member_id, alarm);
            news.then_some(one).into_iter().collect()
        }
        AlarmAction::Deactivate => {
            let cleared = cluster.clear_alarm(asked.member_id, alarm);
            cleared.then_some(one).into_iter().collect()
        }
    }
}

/// The same for members with the same history, as in etcd; not etcd's own value.
fn hash(machine: &Machine, newest: i64) -> u32 {
    let mut hash = blake3::Hasher::new();
    for version in machine.versions().filter(|version| version.mod_revision <= newest) {
        hash.update(&version.encode_length_delimited_to_vec());
    }
    let bytes = hash.finalize().as_bytes()[..4].try_into().expect("a hash is longer than 4 bytes");
    u32::from_be_bytes(bytes)
}

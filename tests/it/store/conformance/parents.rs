//! Parents: outputs, objects, and results that went missing.

use voicespool::domain::{AudioMillis, JobKind, JobState};

use crate::store::conformance::is_sound;
use crate::store::desk::{Desk, at, completed, fresh, key, lease_lost};

#[tokio::test]
async fn a_finished_parent_leaves_its_outputs_and_a_child_its_object() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let parent = desk.file(desk.source, 100, &[1]).await;
    let child = desk.work_off_one().await;

    let claim = desk.claim_local(5).await.remove(0);
    assert_eq!((claim.job, claim.kind), (parent, JobKind::Assemble));
    assert_eq!(claim.params.as_deref(), Some(r#"{"format":"flac"}"#));
    desk.store.settle(completed(&claim, None)).await.unwrap();

    let object = desk.store.object(key(1)).await.unwrap().unwrap();
    assert_eq!(
        (object.job, object.bytes, object.audio),
        (child.job, 32_000, Some(AudioMillis(900)))
    );
    assert_eq!(desk.store.objects(None, 10).await.unwrap(), [object]);
    let outputs = desk.store.outputs(None, 10).await.unwrap();
    assert_eq!(
        (outputs[0].job, outputs[0].path.as_slice()),
        (parent, b"books/a.flac".as_slice())
    );
    let after = desk
        .store
        .outputs(Some((parent, b"books/a.flac")), 10)
        .await
        .unwrap();
    assert!(after.is_empty());
}

#[tokio::test]
async fn a_parent_whose_childs_result_is_gone_waits_until_it_is_bought_again() {
    let (_folder, store) = fresh().await;
    let desk = Desk::at(store).await;
    let parent = desk.file(desk.source, 100, &[1, 2]).await;
    let child = desk.work_off_one().await;
    desk.work_off_one().await;
    let claim = desk.claim_local(1).await.remove(0);

    desk.store
        .send_back(parent, claim.attempt, &[child.job], at(50))
        .await
        .unwrap();
    let late = desk.store.settle(completed(&claim, None)).await;

    assert!(lease_lost(&late, parent, claim.attempt), "{late:?}");
    assert_eq!(desk.state(parent).await, JobState::Waiting);
    let again = desk.work_off_one().await;
    assert_eq!(again.job, child.job);
    assert_eq!(desk.state(parent).await, JobState::Available);
    is_sound(&desk.store).await;
}

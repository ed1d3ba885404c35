//! The contract, of time and order: timers, jobs with their leases and fences, reactions.

use stageflow::instance::{JobRow, Need};
use stageflow::store::{Claim, Store, Write};

use crate::contract;
use crate::kit::*;

fn due(store: &dyn Store, now: i64, limit: usize) -> Vec<(i64, u128, u32)> {
    let found = ask(store, |reader| reader.due_timers(at(now), limit));
    found.iter().map(|(due, instance, wait)| ((*due - at(0)).num_seconds(), instance.as_u128(), *wait)).collect()
}

/// Does a job's result come in with this attempt?
fn finish(store: &dyn Store, number: u128, attempt: u32) -> String {
    let write = Write { job: Some((id(number), attempt)), ..turn(9) };
    verdict(store, write.needs([Need::CloseJob(id(number))]))
}

/// The next reaction with its depth; the depths of those that failed, and why.
type Reactions = (Option<(u64, u32)>, Vec<(u32, String)>);

fn reactions(store: &dyn Store) -> Reactions {
    ask(store, |reader| {
        let next = reader.next_reaction()?.map(|(seq, what)| (seq, what.expect("it is readable").depth));
        let failed =
            reader.failed_reactions()?.into_iter().map(|it| (it.reaction.expect("it is readable").depth, it.why));
        Ok((next, failed.collect()))
    })
}

contract! {
    fn timers_are_due_in_order(store: &dyn Store) {
        commit(store, [turn(1).needs([arm(2, 1, 30), arm(1, 2, 10), arm(1, 1, 10), arm(3, 1, 20), arm(1, 3, 50)])]);
        assert_eq!(due(store, 9, 9), []);
        assert_eq!(due(store, 10, 9), [(10, 1, 1), (10, 1, 2)], "an instant that has come is due");
        assert_eq!(due(store, 40, 9), [(10, 1, 1), (10, 1, 2), (20, 3, 1), (30, 2, 1)]);
        assert_eq!(due(store, 40, 3), [(10, 1, 1), (10, 1, 2), (20, 3, 1)]);
        assert_eq!(ask(store, |reader| reader.next_due()), Some(at(10)));
    }

    fn a_wait_has_one_timer(store: &dyn Store) {
        commit(store, [turn(1).needs([arm(1, 1, 10), arm(1, 1, 30), arm(1, 2, 20)])]);
        assert_eq!(due(store, 40, 9), [(20, 1, 2), (30, 1, 1)]);
        let one = |wait| ask(store, |reader| reader.timer(id(1), wait));
        assert_eq!((one(1), one(2), one(3)), (Some(at(30)), Some(at(20)), None));
        commit(store, [turn(2).needs([Need::DisarmTimer(id(1), 2)])]);
        assert_eq!(one(2), None);
        assert_eq!((due(store, 40, 9), ask(store, |reader| reader.next_due())), (vec![(30, 1, 1)], Some(at(30))));
    }

    fn the_next_instant_is_that_of_a_timer_or_a_job(store: &dyn Store) {
        commit(store, [turn(1).needs([arm(1, 1, 30), offer(job(1, 1, 20)), offer(JobRow { held: true, ..job(2, 1, 5) })])]);
        assert_eq!(ask(store, |reader| reader.next_due()), Some(at(20)));
        commit(store, [turn(2).needs([Need::HoldJob(id(1), true)])]);
        assert_eq!(ask(store, |reader| reader.next_due()), Some(at(30)));
        commit(store, [turn(3).needs([Need::DisarmTimer(id(1), 1)])]);
        assert_eq!(ask(store, |reader| reader.next_due()), None, "what is held waits for nothing that time brings");
    }

    fn jobs_are_leased_in_the_order_in_which_they_became_due(store: &dyn Store) {
        let other = JobRow { service: name("print"), ..job(4, 1, 1) };
        commit(store, [turn(1).needs([offer(job(1, 1, 3)), offer(job(2, 1, 2)), offer(job(3, 1, 2)), offer(other), offer(job(5, 1, 60))])]);
        assert!(!ask(store, |reader| reader.has_jobs(&claim(0, 30, 9))));
        let mails = Claim { services: vec![name("send_mail")], ..claim(5, 35, 2) };
        assert!(ask(store, |reader| reader.has_jobs(&mails)));
        assert_eq!(claimed(store, &Claim { limit: 0, ..mails.clone() }), []);
        assert_eq!(claimed(store, &mails), [(2, 1), (3, 1)]);
        assert_eq!(claimed(store, &mails), [(1, 1)]);
        assert_eq!(claimed(store, &mails), []);
        assert_eq!(claimed(store, &claim(5, 35, 9)), [(4, 1)], "of any service");
        assert!(!ask(store, |reader| reader.has_jobs(&claim(5, 35, 9))), "what is leased is nobody else's");
    }

    fn a_lease_that_ran_out_is_fenced(store: &dyn Store) {
        commit(store, [turn(1).needs([offer(job(1, 1, 0))])]);
        assert_eq!(claimed(store, &claim(1, 30, 9)), [(1, 1)]);
        assert_eq!(claimed(store, &claim(29, 59, 9)), []);
        assert_eq!(claimed(store, &claim(30, 60, 9)), [(1, 2)]);
        assert_eq!(finish(store, 1, 1), "fenced");
        assert!(!inside(store, |tx| tx.extend_job(id(1), 1, at(90))), "nor is a lost lease made longer");
        assert_eq!(finish(store, 1, 2), "applied as 2");
        assert_eq!(finish(store, 1, 2), "fenced", "it is over");
        assert_eq!(claimed(store, &claim(90, 120, 9)), []);
    }

    fn a_heartbeat_keeps_a_lease(store: &dyn Store) {
        commit(store, [turn(1).needs([offer(job(1, 1, 0))])]);
        claimed(store, &claim(1, 30, 9));
        assert!(inside(store, |tx| tx.extend_job(id(1), 1, at(60))));
        assert_eq!(claimed(store, &claim(59, 90, 9)), []);
        assert_eq!(claimed(store, &claim(60, 90, 9)), [(1, 2)]);
    }

    fn an_attempt_takes_no_longer_than_its_time(store: &dyn Store) {
        commit(store, [turn(1).needs([offer(JobRow { timeout: Some(10_000_000), ..job(1, 1, 0) })])]);
        assert_eq!(claimed(store, &claim(1, 30, 9)), [(1, 1)]);
        inside(store, |tx| tx.extend_job(id(1), 1, at(60)));
        assert_eq!(claimed(store, &claim(10, 60, 9)), []);
        let again = inside(store, |tx| tx.claim_jobs(&claim(11, 60, 9)));
        assert_eq!(again.iter().map(|job| (job.attempt, job.late)).collect::<Vec<_>>(), [(2, true)]);
    }

    fn a_job_that_failed_comes_again_later_and_a_held_one_not_before_it_is_let_go(store: &dyn Store) {
        commit(store, [turn(1).needs([offer(job(1, 1, 0))])]);
        claimed(store, &claim(1, 30, 9));
        let again = JobRow { attempt: 2, ..job(1, 1, 40) };
        commit(store, [Write { job: Some((id(1), 1)), ..turn(2).needs([offer(again.clone())]) }]);
        assert_eq!(ask(store, |reader| reader.job(id(1))), Some(again));
        commit(store, [turn(3).needs([Need::HoldJob(id(1), true)])]);
        assert_eq!(claimed(store, &claim(50, 80, 9)), []);
        commit(store, [turn(4).needs([Need::HoldJob(id(1), false)])]);
        assert_eq!(claimed(store, &claim(50, 80, 9)), [(1, 2)]);
    }

    fn reactions_run_in_order_and_once(store: &dyn Store) {
        commit(store, [turn(1).reacts([1, 2]), turn(2).reacts([3])]);
        let mut run = Vec::new();
        while let (Some((seq, depth)), _) = reactions(store) {
            run.push(depth);
            let more = if depth == 1 { vec![4] } else { vec![] };
            commit(store, [Write { consumed: Some(seq), ..turn(3).reacts(more) }]);
        }
        assert_eq!(run, [1, 2, 3, 4]);
    }

    fn a_reaction_that_failed_waits_aside_until_it_is_put_back_or_given_up(store: &dyn Store) {
        commit(store, [Write { parked: vec![(reaction(9), "at once".into())], ..turn(1).reacts([1, 2]) }]);
        let (first, _) = reactions(store).0.expect("a reaction");
        inside(store, |tx| tx.park_reaction(first, Some("it failed")));
        let (next, mut failed) = reactions(store);
        failed.sort();
        assert_eq!((next.map(|(_, depth)| depth), failed), (Some(2), vec![(1, "it failed".into()), (9, "at once".into())]));
        inside(store, |tx| tx.park_reaction(first, None));
        assert_eq!(reactions(store), (Some((first, 1)), vec![(9, "at once".into())]), "in its old place");
        let parked = ask(store, |reader| reader.failed_reactions())[0].seq;
        commit(store, [Write { consumed: Some(parked), ..turn(2) }]);
        assert_eq!(reactions(store), (Some((first, 1)), vec![]));
    }
}

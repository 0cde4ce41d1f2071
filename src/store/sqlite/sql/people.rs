//! Statements for after a crash, and for what a person asks: many jobs at once, by way of the
//! temporary table `picked`.

statements! {
    /// ?1: leases up to then have ended.
    RELEASE_EXPIRED = "UPDATE job SET state = 'available', lease_until = NULL, owner = NULL
        WHERE lease_until <= ?1 AND state = 'leased'";
    EXPIRED_IN_FLIGHT = "SELECT j.id, j.attempt, j.kind, j.key, j.spec_id, j.source_id, a.quantity,
            a.run_id, a.sent_at, a.cost, j.crashes
        FROM job j JOIN attempt a ON a.job_id = j.id AND a.attempt = j.attempt
        WHERE j.lease_until <= ?1 AND j.state = 'sent'";
    /// ?1 job, ?2 attempt, ?3 state after doubt, ?4 crashes this one counts for, ?5 how many make it poison.
    DOUBT_JOB = "UPDATE job SET crashes = crashes + ?4, lease_until = NULL, owner = NULL,
            state = CASE WHEN ?4 AND crashes + ?4 >= ?5 THEN 'held' ELSE ?3 END,
            class = CASE WHEN ?4 AND crashes + ?4 >= ?5 THEN 'poison' END,
            detail = CASE WHEN ?4 AND crashes + ?4 >= ?5
                          THEN 'its answer was arriving at ' || (crashes + ?4) || ' crashes, the last two alone'
                          ELSE 'in flight when its process ended' END
        WHERE id = ?1 AND attempt = ?2 AND state = 'sent' RETURNING state";
    DOUBT_ATTEMPT = "UPDATE attempt SET cost_status = 'in_doubt', finished_at = ?3,
            detail = 'in flight when its process ended'
        WHERE job_id = ?1 AND attempt = ?2 AND cost_status = 'reserved'";
    PARENTS_OF_PICKED = "SELECT DISTINCT q.id FROM picked k CROSS JOIN part p ON p.child_id = k.id
        CROSS JOIN job q ON q.id = p.parent_id WHERE q.sealed = 1 AND q.state = 'waiting'";
    CLEAR_PICKED = "DELETE FROM picked";
    CANCEL_PARENTS = "UPDATE job SET state = 'cancelled', finished_at = ?1, detail = ?2, class = NULL,
            not_before = NULL, lease_until = NULL, owner = NULL
        WHERE id IN (SELECT id FROM picked) AND sealed IS NOT NULL";
    /// Files that failed because a picked job of theirs did.
    PICK_FAILED_PARENTS = "INSERT OR IGNORE INTO picked
        SELECT q.id FROM picked k CROSS JOIN job c ON c.id = k.id AND c.state = 'failed'
        CROSS JOIN part p ON p.child_id = c.id CROSS JOIN job q ON q.id = p.parent_id
        WHERE q.state = 'failed' AND q.class = 'child'";
    /// On its way from failed to cancelled: no job goes there at once.
    REOPEN_FAILED = "UPDATE job SET state = iif(sealed IS NULL, 'available', 'waiting'),
            class = NULL, detail = NULL, finished_at = NULL
        WHERE id IN (SELECT id FROM picked) AND state = 'failed'";
    /// Children of picked parents that no living parent wants. What is on the wire is paid for and stays.
    PICK_ORPHANS = "INSERT OR IGNORE INTO picked
        SELECT c.id FROM picked k CROSS JOIN part p ON p.parent_id = k.id CROSS JOIN job c ON c.id = p.child_id
        WHERE c.state IN ('scheduled', 'available', 'leased', 'held')
          AND NOT EXISTS (SELECT 1 FROM part o JOIN job q ON q.id = o.parent_id
                          WHERE o.child_id = c.id
                            AND q.state NOT IN ('completed', 'failed', 'cancelled'))";
    CANCEL_PICKED = "UPDATE job SET state = 'cancelled', finished_at = ?1, detail = ?2, class = NULL,
            not_before = NULL, lease_until = NULL, owner = NULL
        WHERE id IN (SELECT id FROM picked) AND sealed IS NULL";
    /// Of picked parents the children that can be put aside and that nobody else waits for.
    PICK_CHILDREN_TO_HOLD = "INSERT OR IGNORE INTO picked
        SELECT c.id FROM picked k CROSS JOIN part p ON p.parent_id = k.id CROSS JOIN job c ON c.id = p.child_id
        WHERE c.state IN ('scheduled', 'available')
          AND NOT EXISTS (SELECT 1 FROM part o JOIN job q ON q.id = o.parent_id
                          WHERE o.child_id = c.id AND q.id NOT IN (SELECT id FROM picked)
                            AND q.state NOT IN ('completed', 'failed', 'cancelled'))";
    COUNT_PICKED_CHILDREN = "SELECT count(*) FROM picked k CROSS JOIN job j ON j.id = k.id
        WHERE j.sealed IS NULL";
    HOLD_PICKED = concat!("UPDATE job SET state = 'held', not_before = NULL, class = NULL,
            detail = '", set_aside!(), "'
        WHERE id IN (SELECT id FROM picked) AND sealed IS NULL");
    /// A file taken up again means its lost parts too.
    PICK_LOST_CHILDREN = "INSERT OR IGNORE INTO picked
        SELECT c.id FROM picked k CROSS JOIN part p ON p.parent_id = k.id CROSS JOIN job c ON c.id = p.child_id
        WHERE c.state IN ('failed', 'cancelled', 'held')";
    PICKED_BY_SPEC = "SELECT j.spec_id, s.kind, count(*), sum(j.quantity)
        FROM picked k CROSS JOIN job j ON j.id = k.id JOIN spec s ON s.id = j.spec_id
        GROUP BY j.spec_id ORDER BY j.spec_id";
    /// What may have been paid for picked jobs without an answer.
    PICKED_IN_DOUBT = "SELECT count(*), ifnull(sum(a.cost), 0) FROM picked k
        CROSS JOIN job j ON j.id = k.id AND j.state <> 'completed'
        CROSS JOIN attempt a ON a.job_id = j.id AND a.cost_status = 'in_doubt'";
    REOPEN_PICKED = "UPDATE job SET state = 'available', failures = 0, crashes = 0,
            first_fault_at = NULL, class = NULL, detail = NULL, finished_at = NULL
        WHERE id IN (SELECT id FROM picked) AND sealed IS NULL";
    /// Picked parents, and those that wait for a picked child again.
    PARENTS_TO_REOPEN = "SELECT q.id FROM picked k CROSS JOIN job q ON q.id = k.id WHERE q.sealed IS NOT NULL
        UNION
        SELECT q.id FROM picked k CROSS JOIN part p ON p.child_id = k.id
        CROSS JOIN job q ON q.id = p.parent_id
        WHERE q.sealed = 1 AND (q.state = 'completed' OR q.state = 'failed' AND q.class = 'child'
                                OR q.state = 'waiting')";
    REOPEN_PARENTS = "UPDATE job SET state = 'waiting', failures = 0, crashes = 0,
            first_fault_at = NULL, class = NULL, detail = NULL, finished_at = NULL
        WHERE id IN (SELECT value FROM json_each(?1)) AND state IN ('completed', 'failed', 'cancelled')";
    RELEASE_HELD_PARENTS = "UPDATE job SET state = 'available', class = NULL, detail = NULL
        WHERE id IN (SELECT value FROM json_each(?1)) AND state = 'held'";
    SEND_BACK = "UPDATE job SET state = 'waiting', lease_until = NULL, owner = NULL
        WHERE id = ?1 AND attempt = ?2 AND state = 'leased' AND sealed = 1";
    RESOLVE = "UPDATE attempt SET cost_status = ?3, cost = ?4
        WHERE job_id = ?1 AND attempt = ?2 AND cost_status = 'in_doubt'";
    /// Of a file that is forgotten: what failed as well, and its failed parts nobody else waits for.
    PICK_FORGOTTEN = "INSERT OR IGNORE INTO picked
        SELECT j.id FROM source s JOIN job j ON j.source_id = s.id AND j.sealed IS NOT NULL
        WHERE s.task = ?1 AND s.path = ?2 AND j.state NOT IN ('completed', 'cancelled')
        UNION
        SELECT c.id FROM source s JOIN job j ON j.source_id = s.id AND j.sealed IS NOT NULL
        JOIN part p ON p.parent_id = j.id JOIN job c ON c.id = p.child_id
        WHERE s.task = ?1 AND s.path = ?2 AND c.state = 'failed'
          AND NOT EXISTS (SELECT 1 FROM part o JOIN job q ON q.id = o.parent_id
                          JOIN source f ON f.id = q.source_id
                          WHERE o.child_id = c.id AND q.state <> 'cancelled'
                            AND (f.task <> ?1 OR f.path <> ?2))";
    /// What a person had cancelled of it comes back as the rest does.
    FORGET_CANCELLED = "UPDATE job SET detail = 'superseded' WHERE state = 'cancelled'
        AND source_id IN (SELECT id FROM source WHERE task = ?1 AND path = ?2)";
}

package catalog

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/parley-run/parley/runtime/database"
)

// AuditRow is one write in the audit log: a revision of the catalog, or an operator's word on a restored database.
type AuditRow struct {
	Revision int64
	At       time.Time
	Who      string // such as "admin through admin server1"
	What     string
	CID      string `sio:"cid"` // of the request that wrote it; empty: none did, or a program that did not say so
	Chain    string // a hash of this row, its changes and all before it; empty: written by a program that did not chain
	Changes  []AuditChange

	at      int64 // milliseconds, as it is kept
	mark    string
	accepts int64
}

// AuditChange is what a write did to one object. Hashes are of its content; empty: there was, or is, no such object.
type AuditChange struct {
	Kind, Name string
	Action     string // put or delete
	HashBefore string
	HashAfter  string

	who string
	at  int64
}

// AuditQuery picks rows. The zero value is the newest ones.
type AuditQuery struct {
	Limit int    // how many rows at most; 0 means 50
	Kind  string // only writes to objects of that kind; empty: all
	Name  string // only writes to objects of that name; empty: all
	UpTo  int64  // only revisions up to that one; 0: all
}

// auditLimit is how many rows a query gives that names no number.
const auditLimit = 50

// Audit is the newest rows of the audit log, newest first.
func (d *Database) Audit(ctx context.Context, q AuditQuery) ([]AuditRow, error) {
	if q.Limit <= 0 {
		q.Limit = auditLimit
	}
	if q.UpTo <= 0 {
		q.UpTo = math.MaxInt64
	}
	var out []AuditRow
	err := d.read.Read(ctx, func(ctx context.Context, tx database.Conn) error {
		var err error
		out, err = collectAudit(ctx, tx, `a.revision IN (SELECT revision FROM audit WHERE revision <= $4 AND ($1 = '' AND $2 = ''
OR revision IN (SELECT revision FROM change_log WHERE ($1 = '' OR kind = $1) AND ($2 = '' OR name = $2))) ORDER BY revision DESC LIMIT $3)`, q.Kind, q.Name, q.Limit, q.UpTo)
		return err
	})
	slices.Reverse(out)
	return out, d.fault("read the audit log", err)
}

// collectAudit is the rows that where picks of audit a, oldest first.
func collectAudit(ctx context.Context, tx database.Conn, where string, args ...any) ([]AuditRow, error) {
	var out []AuditRow
	err := eachAudit(ctx, tx, func(row AuditRow) error {
		out = append(out, row)
		return nil
	}, where, args...)
	return out, err
}

// eachAudit hands over the rows that where picks of audit a, oldest first, each with its changes sorted by kind and name.
func eachAudit(ctx context.Context, tx database.Conn, do func(AuditRow) error, where string, args ...any) (err error) {
	rows, err := tx.QueryContext(ctx, `
SELECT a.revision, a.who, a.what, a.at, a.mark, a.accepts, a.cid, a.chain, c.kind, c.name, c.action, c.who, c.at, c.hash_before, c.hash_after
FROM audit a LEFT JOIN change_log c ON c.revision = a.revision WHERE `+where+` ORDER BY a.revision`, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var row *AuditRow
	done := func() error {
		if row == nil {
			return nil
		}
		// Here, for databases sort text each in its own way.
		slices.SortFunc(row.Changes, func(a, b AuditChange) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) })
		return do(*row)
	}
	for rows.Next() {
		var r AuditRow
		var kind, name, action, who, before, after sql.NullString
		var at sql.NullInt64
		if err := rows.Scan(&r.Revision, &r.Who, &r.What, &r.at, &r.mark, &r.accepts, &r.CID, &r.Chain, &kind, &name, &action, &who, &at, &before, &after); err != nil {
			return err
		}
		if row == nil || row.Revision != r.Revision {
			if err := done(); err != nil {
				return err
			}
			r.At, r.Changes = time.UnixMilli(r.at).UTC(), []AuditChange{}
			row = &r
		}
		if kind.Valid {
			row.Changes = append(row.Changes, AuditChange{kind.String, name.String, action.String, before.String, after.String, who.String, at.Int64})
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return done()
}

// chainUp chains the newest row, which tx has just written and which is not chained yet, to what is before it.
func chainUp(ctx context.Context, tx database.Conn, revision int64) error {
	var last int64
	var before string
	err := tx.QueryRowContext(ctx, "SELECT revision, chain FROM audit WHERE chain <> '' ORDER BY revision DESC LIMIT 1").Scan(&last, &before)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	link := newLink(before)
	if err := eachAudit(ctx, tx, link.add, "a.revision > $1 AND a.revision <= $2", last, revision); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "UPDATE audit SET chain = $1 WHERE revision = $2", link.sum(), revision)
	return err
}

// link is one step of the chain in the making.
type link struct{ buf []byte }

func newLink(before string) *link {
	l := &link{}
	l.text("parley audit 1", before)
	return l
}

// add takes in a row. Lengths go before texts, and numbers have one length: no two rows read alike.
func (l *link) add(r AuditRow) error {
	l.number(r.Revision, r.at, r.accepts, int64(len(r.Changes)))
	l.text(r.Who, r.What, r.mark, r.CID)
	for _, c := range r.Changes {
		l.number(c.at)
		l.text(c.Kind, c.Name, c.Action, c.who, c.HashBefore, c.HashAfter)
	}
	// Of a long history that was not chained, only a hash is kept in memory.
	if len(l.buf) > 1<<20 {
		sum := sha256.Sum256(l.buf)
		l.buf = append(l.buf[:0], sum[:]...)
	}
	return nil
}

func (l *link) number(numbers ...int64) {
	for _, n := range numbers {
		l.buf = binary.LittleEndian.AppendUint64(l.buf, uint64(n))
	}
}

func (l *link) text(texts ...string) {
	for _, s := range texts {
		l.number(int64(len(s)))
		l.buf = append(l.buf, s...)
	}
}

func (l *link) sum() string {
	sum := sha256.Sum256(l.buf)
	return hex.EncodeToString(sum[:])
}

// AuditCheck is what a look at the whole audit log found.
type AuditCheck struct {
	Rows     int
	Revision int64  // of the newest row; 0: there is none
	Chain    string // of the newest chained row: who noted it earlier can tell that nothing before was written anew
	// Unchained are the newest rows, written by servers of an older release: nothing vouches for them until the next write.
	Unchained int
	Problems  []string // what was tampered with; empty: nothing, as far as the chain goes
}

// auditProblems bounds what one check lists.
const auditProblems = 20

func (c *AuditCheck) problem(format string, args ...any) {
	if len(c.Problems) < auditProblems {
		c.Problems = append(c.Problems, fmt.Sprintf(format, args...))
	}
}

// VerifyAudit finds rows of the audit log that were changed, removed, added or reordered since they were written, and objects
// that were changed without it. noted, where not empty, is a chain that was seen earlier and must still be there.
func (d *Database) VerifyAudit(ctx context.Context, noted string) (AuditCheck, error) {
	var c AuditCheck
	err := d.read.Read(ctx, func(ctx context.Context, tx database.Conn) error {
		var err error
		c, err = verifyAudit(ctx, tx, noted)
		return err
	})
	return c, d.fault("verify the audit log", err)
}

func verifyAudit(ctx context.Context, tx database.Conn, noted string) (AuditCheck, error) {
	c := AuditCheck{Problems: []string{}}
	now, err := versionOf(ctx, tx)
	if err != nil {
		return c, err
	}
	if err := c.verifyChain(ctx, tx, noted); err != nil {
		return c, err
	}
	if c.Revision != now.Revision {
		c.problem("the catalog is at revision %d and the newest row of the audit log is of revision %d: rows were removed or added at its end", now.Revision, c.Revision)
	}
	var lost sql.NullInt64
	err = tx.QueryRowContext(ctx, "SELECT MIN(revision) FROM change_log c WHERE NOT EXISTS (SELECT 1 FROM audit a WHERE a.revision = c.revision)").Scan(&lost)
	if err != nil {
		return c, err
	}
	if lost.Valid {
		c.problem("revision %d: there are changes but no row that says who made them: it was removed, or the changes were added", lost.Int64)
	}
	return c, c.verifyObjects(ctx, tx)
}

func (c *AuditCheck) verifyChain(ctx context.Context, tx database.Conn, noted string) error {
	link, seen := newLink(""), noted == ""
	err := eachAudit(ctx, tx, func(r AuditRow) error {
		c.Rows, c.Revision = c.Rows+1, r.Revision
		if err := link.add(r); err != nil {
			return err
		}
		c.Unchained++
		if r.Chain == "" {
			return nil
		}
		if link.sum() != r.Chain {
			c.problem("revision %d: it, or a row before it, is not what was written: changed, removed, added or reordered", r.Revision)
		}
		seen = seen || r.Chain == noted
		c.Unchained, c.Chain = 0, r.Chain
		link = newLink(r.Chain)
		return nil
	}, "1 = 1")
	if err == nil && !seen {
		c.problem("the chain %s that was noted is not in the audit log any more: it was written anew", noted)
	}
	return err
}

// verifyObjects compares each object with the last change of it that the log knows.
func (c *AuditCheck) verifyObjects(ctx context.Context, tx database.Conn) (err error) {
	rows, err := tx.QueryContext(ctx, `
SELECT o.kind, o.name, o.spec, o.revision, c.hash_after FROM objects o
LEFT JOIN change_log c ON c.revision = o.revision AND c.kind = o.kind AND c.name = o.name AND c.action = 'put'
ORDER BY o.kind, o.name`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var o Object
		var logged sql.NullString
		if err := rows.Scan(&o.Kind, &o.Name, &o.Spec, &o.Revision, &logged); err != nil {
			return err
		}
		sum := sumOf(o.Kind, o.Name, o.Spec)
		switch {
		case !logged.Valid:
			c.problem("%s: it says that revision %d made it, and the audit log knows nothing of that", o.Key(), o.Revision)
		case logged.String != hex.EncodeToString(sum[:]):
			c.problem("%s: it is not what revision %d made it: it was changed without the audit log", o.Key(), o.Revision)
		}
	}
	return rows.Err()
}

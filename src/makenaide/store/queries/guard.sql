-- name: guard_imported
SELECT sequence, at FROM guard_import WHERE account_id = %(account_id)s;

-- name: guard_import_put
INSERT INTO guard_import (account_id, sequence, at) VALUES (%(account_id)s, %(sequence)s, %(at)s)
ON CONFLICT (account_id) DO UPDATE SET sequence = excluded.sequence, at = excluded.at
WHERE guard_import.sequence <= excluded.sequence;

-- did
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00'

-- did three times
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' GROUP BY profile_key HAVING count(*) >= 3

-- did never
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00'

-- did exactly twice
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' GROUP BY profile_key HAVING count(*) = 2

-- did less than twice
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' GROUP BY profile_key HAVING count(*) >= 2

-- did once or twice
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' GROUP BY profile_key HAVING count(*) BETWEEN 1 AND 2

-- did with a property
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' AND (CASE variant_typeof(variant_extract(properties, 'amount')) WHEN 'VARCHAR' THEN CASE WHEN isfinite(TRY_CAST(replace(TRY_CAST(variant_extract(properties, 'amount') AS VARCHAR), '_', 'x') AS DOUBLE)) THEN TRY_CAST(replace(TRY_CAST(variant_extract(properties, 'amount') AS VARCHAR), '_', 'x') AS DOUBLE) END WHEN 'BOOL_TRUE' THEN NULL WHEN 'BOOL_FALSE' THEN NULL ELSE CASE WHEN isfinite(TRY_CAST(variant_extract(properties, 'amount') AS DOUBLE)) THEN TRY_CAST(variant_extract(properties, 'amount') AS DOUBLE) END END > 50.0)

-- did on no such channel
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' AND ("channel_id" IN (SELECT "channel_id" FROM "channels" WHERE name IN ('web'))) IS NOT TRUE

-- did lately
SELECT profile_key FROM events WHERE event_id = 4 AND (occurred_at > TIMESTAMP '2026-11-22 12:50:00' AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00') GROUP BY profile_key HAVING count(*) >= 2

-- did this week
SELECT profile_key FROM events WHERE event_id = 4 AND (occurred_at >= TIMESTAMP '2026-11-15 23:00:00' AND occurred_at < TIMESTAMP '2026-11-22 23:00:00') GROUP BY profile_key HAVING count(*) >= 2

-- did on a day
SELECT profile_key FROM events WHERE event_id = 4 AND (occurred_at >= TIMESTAMP '2026-11-20 23:00:00' AND occurred_at < TIMESTAMP '2026-11-21 23:00:00')

-- did before a day
SELECT profile_key FROM events WHERE event_id = 4 AND (occurred_at < TIMESTAMP '2026-11-19 23:00:00')

-- did between days
SELECT profile_key FROM events WHERE event_id = 4 AND (occurred_at >= TIMESTAMP '2026-11-18 23:00:00' AND occurred_at < TIMESTAMP '2026-11-20 23:00:00')

-- sum below
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' GROUP BY profile_key HAVING (coalesce(sum(CASE variant_typeof(variant_extract(properties, 'amount')) WHEN 'VARCHAR' THEN CASE WHEN isfinite(TRY_CAST(replace(TRY_CAST(variant_extract(properties, 'amount') AS VARCHAR), '_', 'x') AS DOUBLE)) THEN TRY_CAST(replace(TRY_CAST(variant_extract(properties, 'amount') AS VARCHAR), '_', 'x') AS DOUBLE) END WHEN 'BOOL_TRUE' THEN NULL WHEN 'BOOL_FALSE' THEN NULL ELSE CASE WHEN isfinite(TRY_CAST(variant_extract(properties, 'amount') AS DOUBLE)) THEN TRY_CAST(variant_extract(properties, 'amount') AS DOUBLE) END END), 0) < 60.0) IS NOT TRUE

-- sum above
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' GROUP BY profile_key HAVING coalesce(sum(CASE variant_typeof(variant_extract(properties, 'amount')) WHEN 'VARCHAR' THEN CASE WHEN isfinite(TRY_CAST(replace(TRY_CAST(variant_extract(properties, 'amount') AS VARCHAR), '_', 'x') AS DOUBLE)) THEN TRY_CAST(replace(TRY_CAST(variant_extract(properties, 'amount') AS VARCHAR), '_', 'x') AS DOUBLE) END WHEN 'BOOL_TRUE' THEN NULL WHEN 'BOOL_FALSE' THEN NULL ELSE CASE WHEN isfinite(TRY_CAST(variant_extract(properties, 'amount') AS DOUBLE)) THEN TRY_CAST(variant_extract(properties, 'amount') AS DOUBLE) END END), 0) >= 120.0

-- sum of text is nothing
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' GROUP BY profile_key HAVING (coalesce(sum(CASE variant_typeof(variant_extract(properties, 'nothing')) WHEN 'VARCHAR' THEN CASE WHEN isfinite(TRY_CAST(replace(TRY_CAST(variant_extract(properties, 'nothing') AS VARCHAR), '_', 'x') AS DOUBLE)) THEN TRY_CAST(replace(TRY_CAST(variant_extract(properties, 'nothing') AS VARCHAR), '_', 'x') AS DOUBLE) END WHEN 'BOOL_TRUE' THEN NULL WHEN 'BOOL_FALSE' THEN NULL ELSE CASE WHEN isfinite(TRY_CAST(variant_extract(properties, 'nothing') AS DOUBLE)) THEN TRY_CAST(variant_extract(properties, 'nothing') AS DOUBLE) END END), 0) IN (0.0)) IS NOT TRUE

-- average
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' GROUP BY profile_key HAVING (avg(CASE variant_typeof(variant_extract(properties, 'amount')) WHEN 'VARCHAR' THEN CASE WHEN isfinite(TRY_CAST(replace(TRY_CAST(variant_extract(properties, 'amount') AS VARCHAR), '_', 'x') AS DOUBLE)) THEN TRY_CAST(replace(TRY_CAST(variant_extract(properties, 'amount') AS VARCHAR), '_', 'x') AS DOUBLE) END WHEN 'BOOL_TRUE' THEN NULL WHEN 'BOOL_FALSE' THEN NULL ELSE CASE WHEN isfinite(TRY_CAST(variant_extract(properties, 'amount') AS DOUBLE)) THEN TRY_CAST(variant_extract(properties, 'amount') AS DOUBLE) END END) >= 15.0 AND avg(CASE variant_typeof(variant_extract(properties, 'amount')) WHEN 'VARCHAR' THEN CASE WHEN isfinite(TRY_CAST(replace(TRY_CAST(variant_extract(properties, 'amount') AS VARCHAR), '_', 'x') AS DOUBLE)) THEN TRY_CAST(replace(TRY_CAST(variant_extract(properties, 'amount') AS VARCHAR), '_', 'x') AS DOUBLE) END WHEN 'BOOL_TRUE' THEN NULL WHEN 'BOOL_FALSE' THEN NULL ELSE CASE WHEN isfinite(TRY_CAST(variant_extract(properties, 'amount') AS DOUBLE)) THEN TRY_CAST(variant_extract(properties, 'amount') AS DOUBLE) END END) <= 40.0)

-- average is not
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' GROUP BY profile_key HAVING avg(CASE variant_typeof(variant_extract(properties, 'amount')) WHEN 'VARCHAR' THEN CASE WHEN isfinite(TRY_CAST(replace(TRY_CAST(variant_extract(properties, 'amount') AS VARCHAR), '_', 'x') AS DOUBLE)) THEN TRY_CAST(replace(TRY_CAST(variant_extract(properties, 'amount') AS VARCHAR), '_', 'x') AS DOUBLE) END WHEN 'BOOL_TRUE' THEN NULL WHEN 'BOOL_FALSE' THEN NULL ELSE CASE WHEN isfinite(TRY_CAST(variant_extract(properties, 'amount') AS DOUBLE)) THEN TRY_CAST(variant_extract(properties, 'amount') AS DOUBLE) END END) IN (15.0)

-- average is not, unknown left out
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' GROUP BY profile_key HAVING avg(CASE variant_typeof(variant_extract(properties, 'amount')) WHEN 'VARCHAR' THEN CASE WHEN isfinite(TRY_CAST(replace(TRY_CAST(variant_extract(properties, 'amount') AS VARCHAR), '_', 'x') AS DOUBLE)) THEN TRY_CAST(replace(TRY_CAST(variant_extract(properties, 'amount') AS VARCHAR), '_', 'x') AS DOUBLE) END WHEN 'BOOL_TRUE' THEN NULL WHEN 'BOOL_FALSE' THEN NULL ELSE CASE WHEN isfinite(TRY_CAST(variant_extract(properties, 'amount') AS DOUBLE)) THEN TRY_CAST(variant_extract(properties, 'amount') AS DOUBLE) END END) IS NOT NULL
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' GROUP BY profile_key HAVING avg(CASE variant_typeof(variant_extract(properties, 'amount')) WHEN 'VARCHAR' THEN CASE WHEN isfinite(TRY_CAST(replace(TRY_CAST(variant_extract(properties, 'amount') AS VARCHAR), '_', 'x') AS DOUBLE)) THEN TRY_CAST(replace(TRY_CAST(variant_extract(properties, 'amount') AS VARCHAR), '_', 'x') AS DOUBLE) END WHEN 'BOOL_TRUE' THEN NULL WHEN 'BOOL_FALSE' THEN NULL ELSE CASE WHEN isfinite(TRY_CAST(variant_extract(properties, 'amount') AS DOUBLE)) THEN TRY_CAST(variant_extract(properties, 'amount') AS DOUBLE) END END) IN (15.0)

-- least
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' GROUP BY profile_key HAVING min(CASE variant_typeof(variant_extract(properties, 'amount')) WHEN 'VARCHAR' THEN CASE WHEN isfinite(TRY_CAST(replace(TRY_CAST(variant_extract(properties, 'amount') AS VARCHAR), '_', 'x') AS DOUBLE)) THEN TRY_CAST(replace(TRY_CAST(variant_extract(properties, 'amount') AS VARCHAR), '_', 'x') AS DOUBLE) END WHEN 'BOOL_TRUE' THEN NULL WHEN 'BOOL_FALSE' THEN NULL ELSE CASE WHEN isfinite(TRY_CAST(variant_extract(properties, 'amount') AS DOUBLE)) THEN TRY_CAST(variant_extract(properties, 'amount') AS DOUBLE) END END) > 20.0

-- number of channels
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' GROUP BY profile_key HAVING count(DISTINCT "channel_id") IN (2.0)

-- number of channels below
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' GROUP BY profile_key HAVING (count(DISTINCT "channel_id") <= 1.0) IS NOT TRUE

-- first lately
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' AND (occurred_at > TIMESTAMP '2026-11-22 00:50:00' AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00')
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' AND (occurred_at <= TIMESTAMP '2026-11-22 00:50:00')

-- last before
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' AND (occurred_at < TIMESTAMP '2026-11-22 23:00:00')
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' AND (occurred_at >= TIMESTAMP '2026-11-22 23:00:00')

-- first not lately
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' AND (occurred_at > TIMESTAMP '2026-11-22 00:50:00' AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00')
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' AND (occurred_at <= TIMESTAMP '2026-11-22 00:50:00')

-- first on one of two days
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' GROUP BY profile_key HAVING ((min(occurred_at) >= TIMESTAMP '2026-11-19 23:00:00' AND min(occurred_at) < TIMESTAMP '2026-11-20 23:00:00') OR (min(occurred_at) >= TIMESTAMP '2026-11-21 23:00:00' AND min(occurred_at) < TIMESTAMP '2026-11-22 23:00:00'))

-- last was on web
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' GROUP BY profile_key HAVING arg_max((("channel_id" IN (SELECT "channel_id" FROM "channels" WHERE name IN ('web')))) IS TRUE, {'at': occurred_at, 'id': message_id})

-- on three of five days
SELECT profile_key FROM events WHERE event_id >= 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' AND occurred_at >= TIMESTAMP '2026-11-18 23:00:00' GROUP BY profile_key HAVING bit_count(bit_or((CASE WHEN occurred_at < TIMESTAMP '2026-11-19 23:00:00' THEN 1 WHEN occurred_at < TIMESTAMP '2026-11-20 23:00:00' THEN 2 WHEN occurred_at < TIMESTAMP '2026-11-21 23:00:00' THEN 4 WHEN occurred_at < TIMESTAMP '2026-11-22 23:00:00' THEN 8 ELSE 16 END)::BIGINT)) >= 3

-- in two of two weeks
SELECT profile_key FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' AND occurred_at >= TIMESTAMP '2026-11-15 23:00:00' GROUP BY profile_key HAVING bit_count(bit_or((CASE WHEN occurred_at < TIMESTAMP '2026-11-22 23:00:00' THEN 1 ELSE 2 END)::BIGINT)) >= 2

-- view then order
SELECT first.profile_key FROM (SELECT * FROM (SELECT profile_key, occurred_at FROM events WHERE event_id = 5 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00') WHERE epoch_us(occurred_at) // 259200000000 * 4294967296 + profile_key IN (SELECT unnest([cell, cell - 4294967296]) FROM (SELECT epoch_us(occurred_at) // 259200000000 * 4294967296 + profile_key AS cell FROM (SELECT profile_key, occurred_at FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00')))) first ASOF JOIN (SELECT profile_key, occurred_at FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00') second ON first.profile_key = second.profile_key AND first.occurred_at < second.occurred_at WHERE second.occurred_at <= least((first.occurred_at AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Berlin' + to_days(1)) AT TIME ZONE 'Europe/Berlin', ((first.occurred_at AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Berlin' + to_days(1)) - to_hours(1)) AT TIME ZONE 'Europe/Berlin' + to_hours(1)) AT TIME ZONE 'UTC'

-- three in two days
SELECT first.profile_key FROM (SELECT profile_key, occurred_at FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00') first ASOF JOIN (SELECT profile_key, occurred_at FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00') step2 ON first.profile_key = step2.profile_key AND first.occurred_at < step2.occurred_at ASOF JOIN (SELECT profile_key, occurred_at FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00') step3 ON first.profile_key = step3.profile_key AND step2.occurred_at < step3.occurred_at WHERE step3.occurred_at <= least((first.occurred_at AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Berlin' + to_days(2)) AT TIME ZONE 'Europe/Berlin', ((first.occurred_at AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Berlin' + to_days(2)) - to_hours(1)) AT TIME ZONE 'Europe/Berlin' + to_hours(1)) AT TIME ZONE 'UTC'

-- three in a day
SELECT first.profile_key FROM (SELECT profile_key, occurred_at FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00') first ASOF JOIN (SELECT profile_key, occurred_at FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00') step2 ON first.profile_key = step2.profile_key AND first.occurred_at < step2.occurred_at ASOF JOIN (SELECT profile_key, occurred_at FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00') step3 ON first.profile_key = step3.profile_key AND step2.occurred_at < step3.occurred_at WHERE step3.occurred_at <= least((first.occurred_at AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Berlin' + to_days(1)) AT TIME ZONE 'Europe/Berlin', ((first.occurred_at AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Berlin' + to_days(1)) - to_hours(1)) AT TIME ZONE 'Europe/Berlin' + to_hours(1)) AT TIME ZONE 'UTC'

-- order then view
SELECT profile_key FROM (SELECT profile_key, min(occurred_at) AS occurred_at FROM (SELECT profile_key, occurred_at FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00') GROUP BY profile_key) first WHERE EXISTS (SELECT 1 FROM (SELECT profile_key, occurred_at FROM events WHERE event_id = 5 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00') second WHERE second.profile_key = first.profile_key AND second.occurred_at > first.occurred_at)

-- top fifth by orders
WITH ranked AS MATERIALIZED (SELECT profile_key, coalesce(value, 0) AS value FROM (SELECT profile_key FROM profiles) LEFT JOIN (SELECT profile_key, count(*) AS value FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' GROUP BY profile_key) USING (profile_key)) SELECT profile_key FROM ranked ORDER BY value DESC, profile_key LIMIT (SELECT (count(*) * 1 + 4) // 5 FROM ranked)

-- bottom two by sum
WITH ranked AS MATERIALIZED (SELECT profile_key, coalesce(value, 0) AS value FROM (SELECT profile_key FROM profiles) LEFT JOIN (SELECT profile_key, coalesce(sum(CASE variant_typeof(variant_extract(properties, 'amount')) WHEN 'VARCHAR' THEN CASE WHEN isfinite(TRY_CAST(replace(TRY_CAST(variant_extract(properties, 'amount') AS VARCHAR), '_', 'x') AS DOUBLE)) THEN TRY_CAST(replace(TRY_CAST(variant_extract(properties, 'amount') AS VARCHAR), '_', 'x') AS DOUBLE) END WHEN 'BOOL_TRUE' THEN NULL WHEN 'BOOL_FALSE' THEN NULL ELSE CASE WHEN isfinite(TRY_CAST(variant_extract(properties, 'amount') AS DOUBLE)) THEN TRY_CAST(variant_extract(properties, 'amount') AS DOUBLE) END END), 0) AS value FROM events WHERE event_id = 4 AND occurred_at <= TIMESTAMP '2026-11-23 12:50:00' GROUP BY profile_key) USING (profile_key)) SELECT profile_key FROM ranked ORDER BY value ASC, profile_key LIMIT 2

-- top two by a property
WITH ranked AS MATERIALIZED (SELECT profile_key, "score" AS value FROM (SELECT profile_key, "score" FROM profiles) WHERE "score" IS NOT NULL) SELECT profile_key FROM ranked ORDER BY value DESC, profile_key LIMIT 2

-- bottom by a property, the unknown out
WITH ranked AS MATERIALIZED (SELECT profile_key, "score" AS value FROM (SELECT profile_key, "score" FROM profiles) WHERE "score" IS NOT NULL) SELECT profile_key FROM ranked ORDER BY value ASC, profile_key LIMIT (SELECT (count(*) * 1 + 4) // 5 FROM ranked)

-- held for a week
SELECT profile_key FROM profiles WHERE "country" IN ('IN')
SELECT profile_key FROM (SELECT profile_key, "createdAt" FROM profiles) WHERE "createdAt" <= TIMESTAMP '2026-11-16 12:50:00'
SELECT profile_key FROM (SELECT profile_key, ((old::JSON)->>'$')::VARCHAR AS "country" FROM changes JOIN writes USING (write_id) WHERE property = 'country' AND written_at <= TIMESTAMP '2026-11-23 12:50:00' AND written_at > TIMESTAMP '2026-11-16 12:50:00') WHERE ("country" IN ('IN')) IS NOT TRUE

-- is not, held for a week
SELECT profile_key FROM profiles WHERE "country" IN ('DE')
SELECT profile_key FROM (SELECT profile_key, "createdAt" FROM profiles) WHERE "createdAt" <= TIMESTAMP '2026-11-16 12:50:00'
SELECT profile_key FROM (SELECT profile_key, ((old::JSON)->>'$')::VARCHAR AS "country" FROM changes JOIN writes USING (write_id) WHERE property = 'country' AND written_at <= TIMESTAMP '2026-11-23 12:50:00' AND written_at > TIMESTAMP '2026-11-16 12:50:00') WHERE (("country" IN ('DE')) IS NOT TRUE) IS NOT TRUE

-- ever
SELECT profile_key FROM profiles WHERE "country" IN ('DE')
SELECT profile_key FROM (SELECT profile_key, ((old::JSON)->>'$')::VARCHAR AS "country" FROM changes JOIN writes USING (write_id) WHERE property = 'country' AND written_at <= TIMESTAMP '2026-11-23 12:50:00') WHERE "country" IN ('DE')

-- changed lately
SELECT profile_key FROM (SELECT profile_key, ((old::JSON)->>'$')::VARCHAR AS "country" FROM changes JOIN writes USING (write_id) WHERE property = 'country' AND written_at <= TIMESTAMP '2026-11-23 12:50:00' AND written_at > TIMESTAMP '2026-11-21 12:50:00')

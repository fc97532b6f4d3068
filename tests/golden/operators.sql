-- nick is
SELECT profile_key FROM profiles WHERE "nick" IN ('1', '2')

-- nick is_not
SELECT profile_key FROM profiles WHERE "nick" IN ('1', '2')

-- nick contains
SELECT profile_key FROM profiles WHERE ("nick" ILIKE '%1%' OR "nick" ILIKE '%2%')

-- nick does_not_contain
SELECT profile_key FROM profiles WHERE ("nick" ILIKE '%1%' OR "nick" ILIKE '%2%')

-- nick starts_with
SELECT profile_key FROM profiles WHERE ("nick" ILIKE '1%' OR "nick" ILIKE '2%')

-- nick does_not_start_with
SELECT profile_key FROM profiles WHERE ("nick" ILIKE '1%' OR "nick" ILIKE '2%')

-- nick ends_with
SELECT profile_key FROM profiles WHERE ("nick" ILIKE '%1' OR "nick" ILIKE '%2')

-- nick does_not_end_with
SELECT profile_key FROM profiles WHERE ("nick" ILIKE '%1' OR "nick" ILIKE '%2')

-- nick matches
SELECT profile_key FROM profiles WHERE (regexp_matches("nick", '1', 'i') OR regexp_matches("nick", '2', 'i'))

-- nick does_not_match
SELECT profile_key FROM profiles WHERE (regexp_matches("nick", '1', 'i') OR regexp_matches("nick", '2', 'i'))

-- nick is_known
SELECT profile_key FROM profiles WHERE "nick" IS NOT NULL

-- nick is_not_known
SELECT profile_key FROM profiles WHERE "nick" IS NOT NULL

-- mail is
SELECT profile_key FROM profiles WHERE "mail" IN ('a@x.com', 'b@y.org')

-- mail is_not
SELECT profile_key FROM profiles WHERE "mail" IN ('a@x.com', 'b@y.org')

-- mail contains
SELECT profile_key FROM profiles WHERE ("mail" LIKE '%a@x.com%' OR "mail" LIKE '%b@y.org%')

-- mail does_not_contain
SELECT profile_key FROM profiles WHERE ("mail" LIKE '%a@x.com%' OR "mail" LIKE '%b@y.org%')

-- mail domain_is
SELECT profile_key FROM profiles WHERE (ends_with("mail", '@a@x.com') OR ends_with("mail", '@b@y.org'))

-- mail domain_is_not
SELECT profile_key FROM profiles WHERE (ends_with("mail", '@a@x.com') OR ends_with("mail", '@b@y.org'))

-- mail is_known
SELECT profile_key FROM profiles WHERE "mail" IS NOT NULL

-- mail is_not_known
SELECT profile_key FROM profiles WHERE "mail" IS NOT NULL

-- score is
SELECT profile_key FROM profiles WHERE "score" IN (1.0, 2.0)

-- score is_not
SELECT profile_key FROM profiles WHERE "score" IN (1.0, 2.0)

-- score between
SELECT profile_key FROM profiles WHERE ("score" >= 1.0 AND "score" <= 2.0)

-- score not_between
SELECT profile_key FROM profiles WHERE ("score" >= 1.0 AND "score" <= 2.0)

-- score greater_than
SELECT profile_key FROM profiles WHERE "score" > 1.0

-- score at_least
SELECT profile_key FROM profiles WHERE "score" >= 1.0

-- score less_than
SELECT profile_key FROM profiles WHERE "score" < 1.0

-- score at_most
SELECT profile_key FROM profiles WHERE "score" <= 1.0

-- score is_known
SELECT profile_key FROM profiles WHERE "score" IS NOT NULL

-- score is_not_known
SELECT profile_key FROM profiles WHERE "score" IS NOT NULL

-- born is
SELECT profile_key FROM profiles WHERE (("born" >= DATE '2026-01-01' AND "born" <= DATE '2026-01-01') OR ("born" >= DATE '2026-02-01' AND "born" <= DATE '2026-02-01'))

-- born is_not
SELECT profile_key FROM profiles WHERE (("born" >= DATE '2026-01-01' AND "born" <= DATE '2026-01-01') OR ("born" >= DATE '2026-02-01' AND "born" <= DATE '2026-02-01'))

-- born before
SELECT profile_key FROM profiles WHERE ("born" < DATE '2026-01-01')

-- born after
SELECT profile_key FROM profiles WHERE ("born" > DATE '2026-01-01')

-- born between
SELECT profile_key FROM profiles WHERE ("born" >= DATE '2026-01-01' AND "born" <= DATE '2026-02-01')

-- born not_between
SELECT profile_key FROM profiles WHERE ("born" >= DATE '2026-01-01' AND "born" <= DATE '2026-02-01')

-- born is_today
SELECT profile_key FROM profiles WHERE ("born" >= DATE '2026-11-23' AND "born" <= DATE '2026-11-23')

-- born is_not_today
SELECT profile_key FROM profiles WHERE ("born" >= DATE '2026-11-23' AND "born" <= DATE '2026-11-23')

-- born in_the_last
SELECT profile_key FROM profiles WHERE ("born" > DATE '2026-11-20' AND "born" <= DATE '2026-11-23')

-- born not_in_the_last
SELECT profile_key FROM profiles WHERE ("born" > DATE '2026-11-20' AND "born" <= DATE '2026-11-23')

-- born in_the_next
SELECT profile_key FROM profiles WHERE ("born" > DATE '2026-11-23' AND "born" <= DATE '2026-11-26')

-- born not_in_the_next
SELECT profile_key FROM profiles WHERE ("born" > DATE '2026-11-23' AND "born" <= DATE '2026-11-26')

-- born in_period
SELECT profile_key FROM profiles WHERE ("born" >= DATE '2026-11-23' AND "born" <= DATE '2026-11-29')

-- born not_in_period
SELECT profile_key FROM profiles WHERE ("born" >= DATE '2026-11-23' AND "born" <= DATE '2026-11-29')

-- born was_exactly
SELECT profile_key FROM profiles WHERE ("born" >= DATE '2026-11-20' AND "born" <= DATE '2026-11-20')

-- born will_be_exactly
SELECT profile_key FROM profiles WHERE ("born" >= DATE '2026-11-26' AND "born" <= DATE '2026-11-26')

-- born anniversary_in_the_next
SELECT profile_key FROM profiles WHERE month("born") * 100 + day("born") IN (1123, 1124, 1125)

-- born is_known
SELECT profile_key FROM profiles WHERE "born" IS NOT NULL

-- born is_not_known
SELECT profile_key FROM profiles WHERE "born" IS NOT NULL

-- seen is
SELECT profile_key FROM profiles WHERE (("seen" >= TIMESTAMP '2025-12-31 23:00:00' AND "seen" < TIMESTAMP '2026-01-01 23:00:00') OR ("seen" >= TIMESTAMP '2026-01-31 23:00:00' AND "seen" < TIMESTAMP '2026-02-01 23:00:00'))

-- seen is_not
SELECT profile_key FROM profiles WHERE (("seen" >= TIMESTAMP '2025-12-31 23:00:00' AND "seen" < TIMESTAMP '2026-01-01 23:00:00') OR ("seen" >= TIMESTAMP '2026-01-31 23:00:00' AND "seen" < TIMESTAMP '2026-02-01 23:00:00'))

-- seen before
SELECT profile_key FROM profiles WHERE ("seen" < TIMESTAMP '2025-12-31 23:00:00')

-- seen after
SELECT profile_key FROM profiles WHERE ("seen" >= TIMESTAMP '2026-01-01 23:00:00')

-- seen between
SELECT profile_key FROM profiles WHERE ("seen" >= TIMESTAMP '2025-12-31 23:00:00' AND "seen" < TIMESTAMP '2026-02-01 23:00:00')

-- seen not_between
SELECT profile_key FROM profiles WHERE ("seen" >= TIMESTAMP '2025-12-31 23:00:00' AND "seen" < TIMESTAMP '2026-02-01 23:00:00')

-- seen is_today
SELECT profile_key FROM profiles WHERE ("seen" >= TIMESTAMP '2026-11-22 23:00:00' AND "seen" < TIMESTAMP '2026-11-23 23:00:00')

-- seen is_not_today
SELECT profile_key FROM profiles WHERE ("seen" >= TIMESTAMP '2026-11-22 23:00:00' AND "seen" < TIMESTAMP '2026-11-23 23:00:00')

-- seen in_the_last
SELECT profile_key FROM profiles WHERE ("seen" > TIMESTAMP '2026-11-20 12:50:00' AND "seen" <= TIMESTAMP '2026-11-23 12:50:00')

-- seen not_in_the_last
SELECT profile_key FROM profiles WHERE ("seen" > TIMESTAMP '2026-11-20 12:50:00' AND "seen" <= TIMESTAMP '2026-11-23 12:50:00')

-- seen in_the_next
SELECT profile_key FROM profiles WHERE ("seen" > TIMESTAMP '2026-11-23 12:50:00' AND "seen" <= TIMESTAMP '2026-11-26 12:50:00')

-- seen not_in_the_next
SELECT profile_key FROM profiles WHERE ("seen" > TIMESTAMP '2026-11-23 12:50:00' AND "seen" <= TIMESTAMP '2026-11-26 12:50:00')

-- seen in_period
SELECT profile_key FROM profiles WHERE ("seen" >= TIMESTAMP '2026-11-22 23:00:00' AND "seen" < TIMESTAMP '2026-11-29 23:00:00')

-- seen not_in_period
SELECT profile_key FROM profiles WHERE ("seen" >= TIMESTAMP '2026-11-22 23:00:00' AND "seen" < TIMESTAMP '2026-11-29 23:00:00')

-- seen was_exactly
SELECT profile_key FROM profiles WHERE ("seen" >= TIMESTAMP '2026-11-19 23:00:00' AND "seen" < TIMESTAMP '2026-11-20 23:00:00')

-- seen will_be_exactly
SELECT profile_key FROM profiles WHERE ("seen" >= TIMESTAMP '2026-11-25 23:00:00' AND "seen" < TIMESTAMP '2026-11-26 23:00:00')

-- seen anniversary_in_the_next
SELECT profile_key FROM profiles WHERE month(("seen" AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Berlin')) * 100 + day(("seen" AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Berlin')) IN (1123, 1124, 1125)

-- seen is_known
SELECT profile_key FROM profiles WHERE "seen" IS NOT NULL

-- seen is_not_known
SELECT profile_key FROM profiles WHERE "seen" IS NOT NULL

-- at is
SELECT profile_key FROM profiles WHERE "at" IN (TIME '09:00:00', TIME '10:00:00')

-- at is_not
SELECT profile_key FROM profiles WHERE "at" IN (TIME '09:00:00', TIME '10:00:00')

-- at between
SELECT profile_key FROM profiles WHERE ("at" >= TIME '09:00:00' AND "at" <= TIME '10:00:00')

-- at not_between
SELECT profile_key FROM profiles WHERE ("at" >= TIME '09:00:00' AND "at" <= TIME '10:00:00')

-- at before
SELECT profile_key FROM profiles WHERE "at" < TIME '09:00:00'

-- at after
SELECT profile_key FROM profiles WHERE "at" > TIME '09:00:00'

-- at is_known
SELECT profile_key FROM profiles WHERE "at" IS NOT NULL

-- at is_not_known
SELECT profile_key FROM profiles WHERE "at" IS NOT NULL

-- vip is_true
SELECT profile_key FROM profiles WHERE "vip" = true

-- vip is_not_true
SELECT profile_key FROM profiles WHERE "vip" = true

-- vip is_false
SELECT profile_key FROM profiles WHERE "vip" = false

-- vip is_not_false
SELECT profile_key FROM profiles WHERE "vip" = false

-- vip is_known
SELECT profile_key FROM profiles WHERE "vip" IS NOT NULL

-- vip is_not_known
SELECT profile_key FROM profiles WHERE "vip" IS NOT NULL

-- likes contains_any
SELECT profile_key FROM profiles WHERE (list_contains("likes", '1') OR list_contains("likes", '2'))

-- likes contains_none
SELECT profile_key FROM profiles WHERE (list_contains("likes", '1') OR list_contains("likes", '2'))

-- likes contains_all
SELECT profile_key FROM profiles WHERE (list_contains("likes", '1') AND list_contains("likes", '2'))

-- likes does_not_contain_all
SELECT profile_key FROM profiles WHERE (list_contains("likes", '1') AND list_contains("likes", '2'))

-- likes has_at_least
SELECT profile_key FROM profiles WHERE len("likes") >= 2

-- likes is_known
SELECT profile_key FROM profiles WHERE "likes" IS NOT NULL

-- likes is_not_known
SELECT profile_key FROM profiles WHERE "likes" IS NOT NULL

-- tags contains_any
SELECT profile_key FROM profile_tags WHERE tag_id IN (SELECT tag_id FROM tags WHERE name IN ('1', '2'))

-- tags contains_none
SELECT profile_key FROM profile_tags WHERE tag_id IN (SELECT tag_id FROM tags WHERE name IN ('1', '2'))

-- tags contains_all
SELECT profile_key FROM profile_tags WHERE tag_id IN (SELECT tag_id FROM tags WHERE name IN ('1'))

-- tags does_not_contain_all
SELECT profile_key FROM profile_tags WHERE tag_id IN (SELECT tag_id FROM tags WHERE name IN ('1'))

-- tags has_at_least
SELECT profile_key FROM profile_tags GROUP BY profile_key HAVING count(*) >= 2

-- tags is_known
SELECT profile_key FROM profile_tags

-- tags is_not_known
SELECT profile_key FROM profile_tags

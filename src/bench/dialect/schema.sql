-- What a shop keeps in a database: a row a position, a row an order, and one transaction that takes all
-- lines or none under the locks of their rows.
DROP TABLE IF EXISTS allot_bench_position, allot_bench_order;
CREATE TABLE allot_bench_position (
    sku integer NOT NULL,
    location integer NOT NULL,
    on_hand integer NOT NULL,
    reserved integer NOT NULL DEFAULT 0,
    PRIMARY KEY (sku, location)
) WITH (fillfactor = 60); -- room on each page, so that an update need not touch the index
CREATE TABLE allot_bench_order (id text PRIMARY KEY);

-- One round trip for an order: twice as fast as its statements sent one by one. Rows are locked in the
-- order of their keys, so that two orders never wait for each other; the condition of the update is
-- what keeps units from being promised twice.
CREATE OR REPLACE FUNCTION allot_bench_reserve(order_id text, skus integer[], locations integer[], units integer[])
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE line record;
BEGIN
    INSERT INTO allot_bench_order VALUES (order_id) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN true; -- a repeat gets the first answer
    END IF;
    FOR line IN
        SELECT * FROM unnest(skus, locations, units) AS wanted (sku, location, units) ORDER BY sku, location
    LOOP
        UPDATE allot_bench_position AS p SET reserved = p.reserved + line.units
        WHERE p.sku = line.sku AND p.location = line.location AND p.on_hand - p.reserved >= line.units;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'NOSTOCK %', line.sku USING ERRCODE = 'P0001';
        END IF;
    END LOOP;
    RETURN true;
END $$;
CREATE OR REPLACE FUNCTION allot_bench_count(skus integer[], locations integer[], units integer[])
RETURNS void LANGUAGE sql AS $$
    UPDATE allot_bench_position AS p SET on_hand = n.units
    FROM unnest(skus, locations, units) AS n (sku, location, units)
    WHERE p.sku = n.sku AND p.location = n.location
$$;
CREATE OR REPLACE FUNCTION allot_bench_adjust(of_sku integer, at_location integer, change integer)
RETURNS void LANGUAGE sql AS $$
    UPDATE allot_bench_position SET on_hand = on_hand + change WHERE sku = of_sku AND location = at_location
$$;
CREATE OR REPLACE FUNCTION allot_bench_atp(skus integer[])
RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT sum(on_hand - reserved) FROM allot_bench_position WHERE sku = ANY (skus)
$$;

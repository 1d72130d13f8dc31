-- Reserves all lines of an order or none, and remembers the order: what RESERVATION.PUT .. FIRM
-- does. KEYS[1] is the order's id, KEYS[2] and on are items (a hash of place to units left),
-- ARGV the place and the units of each, in turn.
--
-- Units are taken first and put back when one position has too few: a script is atomic, so nobody
-- sees that, and an order that is granted, as nearly all are, costs one call a line and not two.
local first = redis.call('GET', KEYS[1])
if first then
    return first
end
for line = 2, #KEYS do
    local place, units = ARGV[line * 2 - 3], ARGV[line * 2 - 2]
    if redis.call('HINCRBY', KEYS[line], place, -units) < 0 then
        for taken = 2, line do
            redis.call('HINCRBY', KEYS[taken], ARGV[taken * 2 - 3], ARGV[taken * 2 - 2])
        end
        return redis.error_reply('NOSTOCK ' .. KEYS[line])
    end
end
redis.call('SET', KEYS[1], 'granted')
return 'granted'

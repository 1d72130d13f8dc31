-- Counts of many positions. KEYS are items, ARGV the place and the units of each, in turn. What is promised
-- is not known here: the hash holds what is left.
for row = 1, #KEYS do
    redis.call('HSET', KEYS[row], ARGV[row * 2 - 1], ARGV[row * 2])
end
return #KEYS

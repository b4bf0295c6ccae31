-- No flight is two hours early or ten hours late.
select * from {{ ref('predictions') }} where delay_min not between -120 and 600

select * from {{ source('files', 'weather') }}

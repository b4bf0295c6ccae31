select * from {{ source('files', 'flights') }}

"""VietQR: the code a payer scans with any bank app.

qr     build the text of a code, read one back, fold a memo, draw it as SVG or PNG
banks  BINs and names of the banks; banks.toml is the data
"""

"""What the modules of scripts are made of: functions of plain values, a file for each family."""
